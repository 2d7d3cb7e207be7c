#include "core/engine/live_target.hpp"

#include "core/engine/live.hpp"
#include "core/transport/held_connections.hpp"

namespace gpustack::engine {

namespace {

/// Connections that say goodbye at once: each waits for the end of its runner.
constexpr std::size_t kClosing = 64;

/// The settings under Ansible's names, which decide in Ansible's order.
Map variables_of(const ConnectionSettings& settings) {
  Map variables;
  const auto set = [&](const char* name, const std::string& text) {
    if (!text.empty()) variables.set(name, Value(text));
  };
  set("ansible_connection", settings.kind);
  set("ansible_host", settings.address);
  set("ansible_user", settings.user);
  set("ansible_private_key_file", settings.private_key_file);
  set("ansible_ssh_args", settings.ssh_args);
  set("ansible_ssh_common_args", settings.common_args);
  set("ansible_ssh_extra_args", settings.extra_args);
  if (settings.port != 0) variables.set("ansible_port", Value(settings.port));
  if (!settings.password.is_null()) variables.set("ansible_password", settings.password);
  if (!settings.host_key_checking) variables.set("ansible_host_key_checking", Value(false));
  if (settings.timeout_seconds > 0)
    variables.set("ansible_timeout", Value(settings.timeout_seconds));
  return variables;
}

}  // namespace

LiveTargetPool::LiveTargetPool(const asio::any_io_executor& executor,
                               transport::ConnectorSettings settings)
    : executor_(executor),
      ping_interval_(settings.ping_interval),
      connector_(executor, std::move(settings)),
      packing_(std::make_unique<SharedPacking>()) {}

LiveTargetPool::~LiveTargetPool() = default;

Async<Target*> LiveTargetPool::get(std::string host, ConnectionSettings settings) {
  const std::string key = host + "\n" + settings.key();
  if (const auto known = targets_.find(key); known != targets_.end()) co_return known->second.get();
  GS_CO_TRY(transport::Target target,
            transport::target_from_variables(host, variables_of(settings), transport::Target()));
  auto live = std::make_shared<Live>(*this, std::move(target));
  Target* result = live.get();
  targets_.emplace(key, std::move(live));
  co_return result;
}

Async<void> LiveTargetPool::close_all() {
  async::TaskGroup closing(executor_, kClosing);
  for (auto& [key, target] : targets_) {
    auto work = target->finish();
    GS_CO_TRY_VOID(co_await closing.spawn(std::move(work)));
  }
  co_return co_await closing.join();
}

std::vector<transport::HeldConnection> LiveTargetPool::take_kept() {
  return connector_.take_kept();
}

}  // namespace gpustack::engine
