#include "core/transport/connector.hpp"

#include "core/transport/connector_shared.hpp"
#include "core/transport/local_connection.hpp"
#include "core/transport/ssh_connection.hpp"
#include "core/transport/ssh_options.hpp"

#include <libssh/libssh.h>
#include <pwd.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <utility>

namespace gpustack::transport {

namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

}  // namespace

Connector::Shared::Shared(asio::any_io_executor strand, ConnectorSettings given)
    : executor(std::move(strand)),
      settings(std::move(given)),
      handshakes(executor, settings.handshakes),
      runner_reading(executor, 1),
      key_ring(executor, keys),
      known_hosts(executor, keys) {
  ssh_init();
  // A program that no longer reads is an error of a write, not the end of gpustack.
  struct sigaction current = {};
  if (::sigaction(SIGPIPE, nullptr, &current) == 0 && current.sa_handler == SIG_DFL)
    std::signal(SIGPIPE, SIG_IGN);
  const passwd* entry = ::getpwuid(::geteuid());
  if (entry != nullptr) default_user = entry->pw_name;
  if (settings.home.empty()) settings.home = environment("HOME");
  if (settings.home.empty() && entry != nullptr) settings.home = entry->pw_dir;
  if (settings.agent_socket.empty()) settings.agent_socket = environment("SSH_AUTH_SOCK");
  if (settings.agent_socket == "none") settings.agent_socket.clear();
  if (settings.hold_folder.empty()) return;
  if (auto folder = HoldFolder::open(settings.hold_folder, HoldFolder::Missing::refuse))
    hold_folder = std::move(*folder);
}

Result<void> Connector::Shared::complete(Target& target) {
  if (target.use_ssh_config) {
    if (!ssh_config_) ssh_config_ = read_ssh_config(settings.home);
    GS_TRY_VOID(ssh_config_->apply(target));
  }
  settle_host_name(target);
  if (target.port == 0) target.port = 22;
  if (target.user.empty()) target.user = default_user;
  if (!target.host_keys) target.host_keys = HostKeyPolicy::strict;
  return {};
}

std::string Connector::Shared::expand(const std::string& path, const Target& target) const {
  std::string result;
  std::size_t at = 0;
  if (path == "~" || path.starts_with("~/")) {
    result = settings.home;
    at = 1;
  }
  for (; at < path.size(); ++at) {
    if (path[at] != '%' || at + 1 == path.size()) {
      result += path[at];
      continue;
    }
    switch (path[++at]) {
      case 'd':
        result += settings.home;
        break;
      case 'h':
        result += target.host();
        break;
      case 'p':
        result += std::to_string(target.port);
        break;
      case 'r':
        result += target.user;
        break;
      case '%':
        result += '%';
        break;
      default:
        result += '%';
        result += path[at];
    }
  }
  return result;
}

Connector::Connector(asio::any_io_executor executor, ConnectorSettings settings)
    : shared_(std::make_shared<Shared>(std::move(executor), std::move(settings))) {}

Connector::~Connector() = default;

std::unique_ptr<Connection> Connector::make(Target target) {
  if (target.kind == ConnectionKind::local)
    return std::make_unique<LocalConnection>(shared_, std::move(target));
  return std::make_unique<SshConnection>(shared_, std::move(target));
}

std::vector<HeldConnection> Connector::take_kept() { return std::exchange(shared_->kept, {}); }

}  // namespace gpustack::transport
