// Connections that outlive their run: taken from who holds them, left to be held.
#include "core/transport/bastion.hpp"
#include "core/transport/digest.hpp"
#include "core/transport/ssh_algorithms.hpp"
#include "core/transport/ssh_connection.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <sys/stat.h>

#include <algorithm>
#include <ctime>
#include <utility>

namespace gpustack::transport {

namespace {

/// A holder on this machine answers at once, unless it is stopped.
constexpr std::chrono::seconds kAttachLimit{3};
/// For a runner over a held connection, before we log in ourselves.
constexpr std::chrono::milliseconds kHeldHelloLimit{10'000};

/// Changes when the file does.
std::string stamp_of(const std::string& path) {
  struct stat info = {};
  if (::stat(path.c_str(), &info) != 0) return path + " -\n";
  return fmt::format("{} {} {} {}.{}\n",
                     path,
                     info.st_ino,
                     info.st_size,
                     info.st_mtim.tv_sec,
                     info.st_mtim.tv_nsec);
}

}  // namespace

/// A hash over everything that decides whose login, where, by what and how it is protected.
/// Passwords are not in it: the name stands in a folder.
std::string SshConnection::held_name() const {
  // Two names for one machine have a login each, as they have within a run.
  std::string text = fmt::format("1\n{}\n{}\n{}\n{}\n{}\n",
                                 ::geteuid(),
                                 target_.name,
                                 target_.user,
                                 target_.host(),
                                 target_.port);
  for (const Jump& jump : target_.jumps)
    text += fmt::format("jump {} {} {}\n", jump.user, jump.address, jump.port);
  text += "offers " + line_of(target_.algorithms);
  // Those of a jump host may be in ssh_config alone.
  for (Target jump = target_; !jump.jumps.empty();) {
    jump = jump_target(jump);
    if (!shared_->complete(jump)) break;  // connecting to it says what is wrong
    text += "offers " + line_of(jump.algorithms);
  }
  const Identity proofs = identity();
  for (const std::string& key : proofs.named_keys) text += "key " + stamp_of(key);
  for (const std::string& key : proofs.default_keys) text += "default " + stamp_of(key);
  text += fmt::format("{} {} {}\n", proofs.only_named, proofs.agent_socket, shared_->settings.home);
  return sha256_hex(text).substr(0, 40);
}

/// Shows that we know the same passwords. It passes through memory and an owner's own socket only.
std::string SshConnection::secret_proof() const {
  std::string text = fmt::format("{}\n", target_.password.size());
  text += target_.password.reveal();
  text += target_.key_passphrase.reveal();
  std::string proof = sha256_hex(text);
  wipe(text);
  return proof;
}

Async<bool> SshConnection::take_held() {
  if (!shared_->hold_folder || !target_.holding.takes) co_return false;
  FileHandle socket = shared_->hold_folder->connect(held_name());
  if (!socket.is_open()) co_return false;
  auto attaching =
      HeldSession::attach(shared_->executor, std::move(socket), secret_proof(), kAttachLimit);
  const Result<std::shared_ptr<HeldSession>> attached = co_await std::move(attaching);
  if (co_await async::is_cancelled()) {
    if (attached) (*attached)->close();
    co_return async::cancelled_error();
  }
  if (!attached) co_return false;
  const HeldInfo& info = (*attached)->info();
  if (!would_accept(info.keys)) {
    // A login of our own says what is wrong.
    (*attached)->end();
    co_return false;
  }
  held_ = *attached;
  way_ = held_;
  report_.authentication = info.authentication + ", held since an earlier run";
  report_.server = info.server;
  co_return true;
}

std::chrono::milliseconds SshConnection::hello_limit() const {
  const std::chrono::milliseconds limit = target_.timeouts.hello;
  return held_ == nullptr ? limit : std::min(limit, kHeldHelloLimit);
}

/// What the host was sent by it is a greeting at most: it may be reached another way.
void SshConnection::forget_held() {
  held_->end();
  held_.reset();
  way_.reset();
  target_.holding.takes = false;
  is_connected_ = false;
}

bool SshConnection::would_accept(std::span<const HeldKey> keys) {
  if (keys.empty() || keys.front().host != target_.host() || keys.front().port != target_.port)
    return false;
  const HostKeyVerdict verdict = shared_->known_hosts.read(known_hosts_files())
                                     ->check(target_.host(), target_.port, keys.front().key);
  const bool is_known = verdict.kind == HostKeyVerdict::Kind::known;
  // A key that would have to be written down first is not this way's to write.
  if (!is_known && (target_.host_keys != HostKeyPolicy::off || !judge(keys.front().key, verdict)))
    return false;
  if (target_.jumps.empty()) return keys.size() == 1;
  SshConnection jump(shared_, jump_target(target_));
  return shared_->complete(jump.target_).has_value() && jump.would_accept(keys.subspan(1));
}

std::vector<HeldKey> SshConnection::keys() const {
  std::vector<HeldKey> keys;
  if (key_) keys.push_back(HeldKey{target_.host(), target_.port, *key_});
  if (bastion_ == nullptr) return keys;
  const std::vector<HeldKey> more = bastion_->keys();
  keys.insert(keys.end(), more.begin(), more.end());
  return keys;
}

std::shared_ptr<SshSession> SshConnection::give_session() {
  if (session_ == nullptr || session_->failure() || !is_connected_) return nullptr;
  is_closed_ = true;
  way_.reset();
  return std::exchange(session_, nullptr);
}

bool SshConnection::may_be_held() const {
  return shared_->hold_folder && target_.holding.leaves && is_connected_ && held_ == nullptr &&
         session_ != nullptr && !session_->failure() && key_.has_value() &&
         (runner_ == nullptr || runner_->has_ended());
}

void SshConnection::leave_held() {
  HeldConnection held;
  if (bastion_ != nullptr) {
    held.jumps = bastion_->keep();
    if (held.jumps.empty()) return;
  }
  held.name = held_name();
  held.proof = secret_proof();
  held.time = target_.holding.time.count() > 0 ? target_.holding.time : shared_->settings.hold_time;
  held.info.host = target_.name;
  held.info.user = target_.user;
  held.info.address = target_.host();
  held.info.port = target_.port;
  held.info.keys = keys();
  held.info.authentication = report_.authentication;
  held.info.server = report_.server;
  held.info.since = std::time(nullptr);
  if (runner_ != nullptr) {
    session_->release(runner_);
    held.start_command = start_command_;
  }
  held.session = std::make_shared<KeptSession>(give_session());
  shared_->kept.push_back(std::move(held));
}

asio::awaitable<void> SshConnection::keep() {
  if (is_closed_) co_return;
  is_closed_ = true;
  co_await say_goodbye();
  if (may_be_held()) leave_held();
  drop();
}

}  // namespace gpustack::transport
