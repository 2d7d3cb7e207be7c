#include "modules/sdk/descriptor.hpp"
#include "modules/sdk/real_system.hpp"
#include "modules/sdk/url.hpp"

#include <fcntl.h>

#include <cerrno>

namespace gpustack::modules {

// A system without a network: fakes that need none.
Result<HttpResponse> SystemView::http(const HttpRequest& request) const {
  return Error(ErrorCode::module_failed,
               "no connection to '" + shown_url(request.url) + "': this host has no network");
}

Result<HttpResponse> System::download(const HttpRequest& request, const std::string& /*file*/) {
  return http(request);
}

Result<HttpResponse> RealSystem::http(const HttpRequest& request) const {
  HttpHooks hooks;
  hooks.cancel_descriptor = options_.hooks.cancel_descriptor;
  HttpRequest placed = request;
  if (!placed.unix_socket.empty()) placed.unix_socket = in_root(placed.unix_socket);
  return http_exchange(*this, placed, hooks);
}

Result<HttpResponse> RealSystem::download(const HttpRequest& request, const std::string& file) {
  const Descriptor out(::open(in_root(file).c_str(), O_WRONLY | O_TRUNC | O_NOFOLLOW | O_CLOEXEC));
  if (!out.is_open()) return system_error("open", file, errno);
  HttpHooks hooks;
  hooks.cancel_descriptor = options_.hooks.cancel_descriptor;
  hooks.sink = [&](std::string_view piece) -> Result<void> {
    if (const int problem = write_fully(out.get(), piece); problem != 0)
      return system_error("write", file, problem);
    return {};
  };
  HttpRequest placed = request;
  if (!placed.unix_socket.empty()) placed.unix_socket = in_root(placed.unix_socket);
  return http_exchange(*this, placed, hooks);
}

}  // namespace gpustack::modules
