#include "modules/sdk/descriptor.hpp"
#include "modules/sdk/real_system.hpp"
#include "modules/sdk/url.hpp"

#include <fcntl.h>

#include <cerrno>

namespace gpustack::modules {

namespace {

// A system without a network: fakes that need none.
Error no_network(const std::string& url) {
  return Error(ErrorCode::module_failed,
               "no connection to '" + shown_url(url) + "': this host has no network");
}

}  // namespace

Result<HttpResponse> SystemView::http(const HttpQuery& query) const {
  return no_network(query.url);
}

Result<HttpResponse> System::send(const HttpRequest& request) { return no_network(request.url); }

Result<HttpResponse> System::download(const HttpRequest& request, const std::string& /*file*/) {
  return send(request);
}

Result<HttpResponse> RealSystem::http(const HttpQuery& query) const {
  return exchange(HttpRequest(query), {});
}

Result<HttpResponse> RealSystem::send(const HttpRequest& request) { return exchange(request, {}); }

Result<HttpResponse> RealSystem::exchange(HttpRequest request, HttpHooks hooks) const {
  hooks.cancel_descriptor = options_.hooks.cancel_descriptor;
  if (!request.unix_socket.empty()) request.unix_socket = in_root(request.unix_socket);
  return http_exchange(*this, request, hooks);
}

Result<HttpResponse> RealSystem::download(const HttpRequest& request, const std::string& file) {
  const Descriptor out(::open(in_root(file).c_str(), O_WRONLY | O_TRUNC | O_NOFOLLOW | O_CLOEXEC));
  if (!out.is_open()) return system_error("open", file, errno);
  HttpHooks hooks;
  hooks.sink = [&](std::string_view piece) -> Result<void> {
    if (const int problem = write_fully(out.get(), piece); problem != 0)
      return system_error("write", file, problem);
    return {};
  };
  return exchange(request, std::move(hooks));
}

}  // namespace gpustack::modules
