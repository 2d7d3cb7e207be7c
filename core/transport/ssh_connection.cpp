// Reaching a host: TCP, handshake, host key, authentication. The runner's start is in
// ssh_runner.cpp.
#include "core/transport/ssh_connection.hpp"

#include "core/async/timeout.hpp"
#include "core/transport/bastion.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <random>

namespace gpustack::transport {

namespace {

Error too_late(const std::string& host, std::string_view phase, std::chrono::milliseconds limit) {
  return Error(ErrorCode::transport_timeout,
               fmt::format("'{}': no end of {} within {} ms", host, phase, limit.count()));
}

/// With what is left for banner and key exchange.
Timeouts left_of(Timeouts limits, async::Clock::time_point begin) {
  if (!limits.connect_is_for_all) return limits;
  const auto used = std::chrono::floor<std::chrono::milliseconds>(async::Clock::now() - begin);
  limits.handshake = std::max(limits.connect - used, std::chrono::milliseconds(1));
  limits.banner = 2 * limits.connect;  // the limit for all comes first
  return limits;
}

/// One more time span, between nothing and half of `pause`: hosts behind one limit must not come
/// back together.
std::chrono::milliseconds jitter(std::chrono::milliseconds pause) {
  static thread_local std::minstd_rand generator{std::random_device{}()};
  return std::chrono::milliseconds(
      std::uniform_int_distribution<std::int64_t>(0, pause.count() / 2)(generator));
}

/// The key the server has just shown.
Result<HostKey> shown_key(ssh_session session) {
  ssh_key raw = nullptr;
  if (ssh_get_server_publickey(session, &raw) != SSH_OK)
    return Error(ErrorCode::unreachable, "the server shows no host key");
  const SshKey key(raw);
  char* base64 = nullptr;
  if (ssh_pki_export_pubkey_base64(raw, &base64) != SSH_OK) {
    return Error(ErrorCode::unreachable, "the server's host key cannot be read");
  }
  HostKey shown;
  shown.type = ssh_key_type_to_char(ssh_key_type(raw));
  shown.base64 = base64;
  ssh_string_free_char(base64);
  // libssh names the family only: the curve is in the key's own text.
  if (const char* name = ssh_pki_key_ecdsa_name(raw);
      shown.type.starts_with("ecdsa") && name != nullptr)
    shown.type = name;
  return shown;
}

}  // namespace

SshConnection::SshConnection(std::shared_ptr<Connector::Shared> shared, Target target)
    : shared_(std::move(shared)), target_(std::move(target)) {
  report_.method = "ssh";
}

SshConnection::~SshConnection() { drop(); }

void SshConnection::drop() {
  is_closed_ = true;
  if (link_ != nullptr) link_->detach();
  runner_.reset();
  if (session_ != nullptr) session_->close();
  if (held_ != nullptr) held_->close();
  bastion_.reset();
}

Error SshConnection::describe(Error error) const {
  return std::move(error).at_if_unknown(target_.span);
}

std::vector<std::string> SshConnection::known_hosts_files() const {
  std::vector<std::string> files;
  for (const std::string& file : target_.known_hosts_files)
    files.push_back(shared_->expand(file, target_));
  if (files.empty()) {
    files.push_back(shared_->settings.home + "/.ssh/known_hosts");
    files.push_back(shared_->settings.home + "/.ssh/known_hosts2");
  }
  for (const std::string& file : target_.system_known_hosts_files)
    files.push_back(shared_->expand(file, target_));
  if (target_.use_system_known_hosts) {
    files.emplace_back("/etc/ssh/ssh_known_hosts");
    files.emplace_back("/etc/ssh/ssh_known_hosts2");
  }
  return files;
}

Identity SshConnection::identity() const {
  Identity identity;
  identity.user = target_.user;
  identity.host = target_.name;
  for (const std::string& path : target_.key_files)
    identity.named_keys.push_back(shared_->expand(path, target_));
  if (target_.use_default_keys) {
    for (const char* name : {"id_ed25519", "id_ecdsa", "id_rsa"}) {
      identity.default_keys.push_back(shared_->settings.home + "/.ssh/" + name);
    }
  }
  identity.only_named = !target_.use_default_keys;
  if (target_.use_agent) identity.agent_socket = shared_->settings.agent_socket;
  identity.passphrase = target_.key_passphrase;
  identity.password = target_.password;
  return identity;
}

Async<void> SshConnection::connect() {
  if (is_connected_) co_return Result<void>();
  if (is_closed_)
    co_return Error(ErrorCode::connection_lost,
                    fmt::format("the connection to '{}' was closed", target_.name));
  const async::Clock::time_point begin = async::Clock::now();
  Result<void> done = co_await connect_with_retries();
  report_.connect_time =
      std::chrono::duration_cast<std::chrono::microseconds>(async::Clock::now() - begin);
  if (!done) {
    drop();
    co_return describe(std::move(done).error());
  }
  is_connected_ = true;
  co_return Result<void>();
}

Async<void> SshConnection::connect_with_retries() {
  GS_CO_TRY_VOID(shared_->complete(target_));
  GS_CO_TRY(const bool was_held, co_await take_held());
  if (was_held) co_return Result<void>();
  if (!target_.jumps.empty()) bastion_ = Bastion::of(shared_, target_);
  for (int attempt = 1;; ++attempt) {
    was_refused_ = false;
    const Result<void> done = co_await connect_once();
    if (done || !was_refused_) co_return done;
    // MaxStartups or a penalty: coming back at once would only lengthen it.
    if (session_ != nullptr) session_->close();
    const std::chrono::milliseconds pause = shared_->settings.refused_pause;
    if (attempt >= shared_->settings.refused_tries) {
      Error error = done.error();
      co_return std::move(error)
          .hint(
              "the server limits new connections (MaxStartups, PerSourcePenalties): use fewer "
              "forks or raise its limits")
          .while_doing(fmt::format("connecting for the {}. time", attempt));
    }
    GS_CO_TRY_VOID(co_await async::sleep_for(pause + jitter(pause)));
  }
}

Async<void> SshConnection::connect_once() {
  // Before the gate: the bastion needs a place of its own.
  if (bastion_ != nullptr) GS_CO_TRY_VOID(co_await bastion_->ready());
  // A server gives a guest two minutes to log in, so the place is taken before the connection is
  // made.
  GS_CO_TRY(const async::Gate::Pass pass, co_await shared_->handshakes.enter());
  const async::Clock::time_point begin = async::Clock::now();
  auto reaching = reach();
  GS_CO_TRY(DialledSocket dialled, co_await std::move(reaching));
  const Timeouts limits = left_of(target_.timeouts, begin);
  auto shaking = shake_hands(std::move(dialled.socket), dialled.address, limits.banner);
  Error late = limits.connect_is_for_all
                   ? too_late(target_.name, "connecting and the SSH handshake", limits.connect)
                   : too_late(target_.name, "the SSH handshake", limits.handshake);
  auto shaking_limited = async::with_timeout(limits.handshake, std::move(shaking), std::move(late));
  GS_CO_TRY_VOID(co_await std::move(shaking_limited));
  if (session_->failure()) co_return *session_->failure();  // closed meanwhile
  GS_CO_TRY_VOID(co_await check_host_key());
  auto proving = authenticate(session_, identity(), shared_->key_ring, shared_->keys);
  auto proving_limited =
      async::with_timeout(limits.authentication,
                          std::move(proving),
                          too_late(target_.name, "authentication", limits.authentication));
  GS_CO_TRY(report_.authentication, co_await std::move(proving_limited));
  if (session_->failure()) co_return *session_->failure();
  report_.server = session_->server_banner();
  session_->begin_events();
  way_ = session_;
  co_return Result<void>();
}

Async<DialledSocket> SshConnection::reach() {
  const Timeouts& limits = target_.timeouts;
  if (bastion_ == nullptr) {
    const DialLimits dial_limits(limits.resolve, limits.connect);
    auto dialling = dial(shared_->names, target_.host(), target_.port, dial_limits);
    co_return co_await std::move(dialling);
  }
  auto dialling = bastion_->dial(target_.host(), target_.port);
  auto limited = async::with_timeout(
      limits.connect,
      std::move(dialling),
      too_late(target_.name, "connecting through the jump host", limits.connect));
  GS_CO_TRY(FileHandle socket, co_await std::move(limited));
  // The bastion resolves the name; what libssh is told here goes nowhere.
  co_return DialledSocket(std::move(socket), "127.0.0.1");
}

Async<void> SshConnection::shake_hands(FileHandle socket,
                                       std::string address,
                                       std::chrono::milliseconds banner_limit) {
  session_ = std::make_shared<SshSession>(shared_->executor);
  SshOptions options;
  options.user = target_.user;
  options.address = std::move(address);
  options.port = target_.port;
  options.algorithms = target_.algorithms;
  options.known_key_types =
      shared_->known_hosts.read(known_hosts_files())->types(target_.host(), target_.port);
  auto shaking =
      session_->handshake(std::move(socket), std::move(options), banner_limit, shared_->logins);
  const Result<void> done = co_await std::move(shaking);
  was_refused_ = session_->was_refused();
  if (done || done.error().code() == ErrorCode::cancelled) co_return done;
  Error error(done.error().code(), fmt::format("'{}': {}", target_.name, done.error().message()));
  co_return std::move(error).hint(done.error().hint());
}

Async<void> SshConnection::check_host_key() {
  GS_CO_TRY(const HostKey key, shown_key(session_->raw()));
  const std::vector<std::string> files = known_hosts_files();
  const HostKeyVerdict verdict =
      shared_->known_hosts.read(files)->check(target_.host(), target_.port, key);
  GS_CO_TRY_VOID(judge(key, verdict));
  key_ = key;
  if (verdict.kind != HostKeyVerdict::Kind::unknown ||
      target_.host_keys != HostKeyPolicy::accept_new)
    co_return Result<void>();
  NewHostKey line;
  line.host = target_.host();
  line.port = target_.port;
  line.key = key;
  auto adding = shared_->known_hosts.add(files[0], std::move(line));
  const Result<void> added = co_await std::move(adding);
  if (!added && added.error().code() == ErrorCode::cancelled && co_await async::is_cancelled())
    co_return added.error();
  // As OpenSSH: a file that cannot be written does not stop the run.
  if (!added)
    report_.notes.push_back(
        fmt::format("the host key was not written down: {}", added.error().message()));
  co_return Result<void>();
}

Result<void> SshConnection::judge(const HostKey& key, const HostKeyVerdict& verdict) {
  using Kind = HostKeyVerdict::Kind;
  const std::string shown = fmt::format("{} {}", key.type, fingerprint(key));
  const std::string name = known_hosts_name(target_.host(), target_.port);
  switch (verdict.kind) {
    case Kind::known:
      return {};
    case Kind::revoked:
      return Error(ErrorCode::host_key_revoked,
                   fmt::format("the host key of '{}' is revoked: {} is marked @revoked at {}",
                               target_.name,
                               shown,
                               verdict.place));
    case Kind::changed:
      if (target_.host_keys == HostKeyPolicy::off) {
        report_.notes.push_back(fmt::format(
            "the host key differs from the one at {}, which is not checked", verdict.place));
        return {};
      }
      return Error(
                 ErrorCode::host_key_changed,
                 fmt::format(
                     "the host key of '{}' has changed: the server shows {}, known is {} {} at {}",
                     target_.name,
                     shown,
                     verdict.known_key.type,
                     fingerprint(verdict.known_key),
                     verdict.place))
          .hint(fmt::format(
              "if the host was reinstalled, forget its old key: ssh-keygen -f '{}' -R '{}'",
              verdict.place.substr(0, verdict.place.rfind(':')),
              name));
    case Kind::unknown:
      break;
  }
  if (target_.host_keys != HostKeyPolicy::strict) return {};
  const std::string authority =
      verdict.has_authority
          ? " (a @cert-authority line names it, but host certificates are not supported)"
          : "";
  return Error(ErrorCode::host_key_unknown,
               fmt::format("the host key of '{}' is not known: the server shows {}{}",
                           target_.name,
                           shown,
                           authority))
      .hint(fmt::format(
          "compare the fingerprint, then run ssh-keyscan -p {} '{}' >> ~/.ssh/known_hosts, or set "
          "ansible_ssh_common_args: -o StrictHostKeyChecking=accept-new",
          target_.port,
          target_.host()));
}

Async<void> SshConnection::send(wire::Frame frame, Leave leave) {
  if (link_ == nullptr)
    co_return Error(ErrorCode::connection_lost, fmt::format("'{}' is not open", target_.name));
  auto work = link_->send(std::move(frame), leave);
  co_return co_await std::move(work);
}

bool SshConnection::try_send(const wire::Frame& frame, Leave leave) {
  return link_ != nullptr && link_->try_send(frame, leave);
}

void SshConnection::hurry() {
  if (link_ != nullptr) link_->hurry();
}

Async<wire::Frame> SshConnection::receive() {
  if (link_ == nullptr)
    co_return Error(ErrorCode::connection_lost, fmt::format("'{}' is not open", target_.name));
  co_return co_await link_->receive();
}

asio::awaitable<void> SshConnection::say_goodbye() {
  if (!is_open_ || runner_ == nullptr || way_ == nullptr || way_->failure()) co_return;
  wire::Frame bye;
  bye.type = wire::FrameType::bye;
  link_->send_now(bye);
  runner_->end_input();
  const async::Clock::time_point deadline = async::Clock::now() + std::chrono::seconds(2);
  const std::shared_ptr<Pipe> runner = runner_;
  while (!runner->has_ended() && async::Clock::now() < deadline)
    co_await runner->changed().wait_shielded(deadline);
}

asio::awaitable<void> SshConnection::close() {
  if (is_closed_) co_return;
  is_closed_ = true;
  co_await say_goodbye();
  if (held_ != nullptr) held_->end();
  drop();
}

}  // namespace gpustack::transport
