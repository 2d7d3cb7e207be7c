#include "modules/runner/identity.hpp"

#include "modules/sdk/accounts.hpp"
#include "modules/sdk/real_system.hpp"
#include "modules/sdk/text.hpp"

#include <unistd.h>

#include <sys/utsname.h>

namespace gpustack::runner {

namespace {

modules::RealSystem own_system() {
  modules::RealSystemOptions options;
  options.environment = modules::process_environment();
  return modules::RealSystem(std::move(options));
}

}  // namespace

Result<std::string> own_hash() {
  return own_system().hash("/proc/self/exe", modules::Algorithm::sha256);
}

std::string home_folder() {
  const modules::RealSystem system = own_system();
  std::string home = system.environment("HOME");
  if (!home.empty()) return home;
  const auto user = modules::find_user(system, static_cast<std::uint32_t>(::geteuid()));
  return user && *user && !(*user)->home.empty() ? (*user)->home : "/";
}

wire::HelloReply describe_host(const std::string& hash) {
  const modules::RealSystem system = own_system();
  wire::HelloReply reply;
  utsname names{};
  if (::uname(&names) == 0) {
    reply.architecture = names.machine;
    reply.kernel = names.release;
  }
  reply.uid = ::geteuid();
  reply.user = modules::user_name(system, reply.uid);
  reply.home = home_folder();
  reply.pid = ::getpid();
  reply.hash = hash;
  const auto boot = system.read("/proc/sys/kernel/random/boot_id", 4096);
  if (boot) reply.boot_id = std::string(modules::trim(*boot));
  return reply;
}

}  // namespace gpustack::runner
