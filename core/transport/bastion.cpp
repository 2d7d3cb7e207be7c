#include "core/transport/bastion.hpp"

#include "core/async/timeout.hpp"
#include "core/transport/forward.hpp"
#include "core/transport/ssh_algorithms.hpp"

#include <fmt/format.h>

#include <sys/socket.h>

namespace gpustack::transport {

namespace {

/// Default of sshd's MaxStartups, where it begins to refuse, less some room for others.
constexpr std::size_t kStartsAtOnce = 8;

std::string chain_name(const Target& target) {
  std::string name;
  for (const Jump& jump : target.jumps)
    name +=
        fmt::format("{}@{}:{} {},", jump.user, jump.address, jump.port, line_of(jump.algorithms));
  for (const std::string& key : target.key_files) name += key + ';';
  return name;
}

}  // namespace

Target jump_target(const Target& behind) {
  const Jump& last = behind.jumps.back();
  Target target = behind;
  target.name = last.address;
  target.address = last.address;
  target.port = last.port;
  target.user = last.user;
  target.algorithms = last.algorithms;
  target.jumps.pop_back();
  target.options_given.clear();  // those of the host behind it
  target.may_jump = false;
  target.holding.takes = false;  // others reach their hosts through its session
  target.holding.leaves = false;
  target.password = Secret();  // the host's password is not the jump host's to see
  return target;
}

Bastion::Bastion(const std::shared_ptr<Connector::Shared>& shared, const Target& target)
    : connection_(shared, target),
      name_(target.name),
      starts_(shared->executor, kStartsAtOnce),
      tried_(shared->executor) {}

std::shared_ptr<Bastion> Bastion::of(const std::shared_ptr<Connector::Shared>& shared,
                                     const Target& behind) {
  std::weak_ptr<Bastion>& known = shared->bastions[chain_name(behind)];
  std::shared_ptr<Bastion> bastion = known.lock();
  if (bastion == nullptr) {
    bastion = std::make_shared<Bastion>(shared, jump_target(behind));
    known = bastion;
  }
  return bastion;
}

Error Bastion::blamed(const Error& error) const {
  return Error(error.code(), fmt::format("jump host '{}': {}", name_, error.message()))
      .hint(error.hint());
}

Async<void> Bastion::ready() {
  const auto self = shared_from_this();
  while (is_trying_) GS_CO_TRY_VOID(co_await tried_.wait());
  if (failure_) co_return *failure_;
  if (is_ready_) co_return Result<void>();
  is_trying_ = true;
  auto connecting = connection_.connect();
  const Result<void> done = co_await std::move(connecting);
  is_trying_ = false;
  is_ready_ = done.has_value();
  if (!done) failure_ = blamed(done.error());
  tried_.notify_all();
  if (failure_) co_return *failure_;
  co_return Result<void>();
}

void Bastion::note_failure() {
  if (connection_.session() == nullptr || failure_) return;
  const auto& lost = connection_.session()->failure();
  if (lost) failure_ = blamed(*lost);
}

std::vector<std::shared_ptr<KeptSession>> Bastion::keep() {
  if (kept_ == nullptr) {
    auto session = connection_.give_session();
    if (session == nullptr) return {};
    kept_ = std::make_shared<KeptSession>(std::move(session));
  }
  std::vector<std::shared_ptr<KeptSession>> sessions = {kept_};
  const std::shared_ptr<Bastion>& before = connection_.bastion();
  if (before == nullptr) return sessions;
  const auto more = before->keep();
  if (more.empty()) return {};
  sessions.insert(sessions.end(), more.begin(), more.end());
  return sessions;
}

Async<FileHandle> Bastion::dial(std::string host, std::uint16_t port) {
  const auto self = shared_from_this();
  GS_CO_TRY(const async::Gate::Pass pass, co_await starts_.enter());
  const std::shared_ptr<SshSession> session = connection_.session();
  if (session == nullptr) co_return Error(ErrorCode::connection_lost, "the jump host was left");
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) {
    co_return Error(ErrorCode::unreachable,
                    fmt::format("cannot make a socket pair: {}", errno_text(errno)));
  }
  FileHandle near(ends[0]);
  FileHandle far(ends[1]);
  const auto forward = std::make_shared<Forward>(session->executor(), std::move(far));
  Pipe::Consumer consumer = [weak = std::weak_ptr<Forward>(forward)](Stream,
                                                                     std::string_view bytes) {
    if (const auto owner = weak.lock()) owner->on_channel_bytes(bytes);
  };
  auto opening = session->forward(host, port, std::move(consumer));
  const Result<std::shared_ptr<SshChannel>> channel = co_await std::move(opening);
  note_failure();
  if (!channel) {
    if (failure_) co_return *failure_;
    co_return channel.error().code() == ErrorCode::cancelled ? channel.error()
                                                             : blamed(channel.error());
  }
  forward->start(session, *channel);
  co_return near;
}

}  // namespace gpustack::transport
