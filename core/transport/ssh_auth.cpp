#include "core/transport/ssh_auth.hpp"

#include "core/async/timeout.hpp"
#include "core/transport/agent.hpp"
#include "core/transport/digest.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace gpustack::transport {

namespace {

/// OpenSSH ends the connection after MaxAuthTries (6) failures.
constexpr std::size_t kMostAttempts = 5;

std::string method_names(int methods) {
  std::string names;
  const auto add = [&](int bit, const char* name) {
    if ((methods & bit) == 0) return;
    if (!names.empty()) names += ", ";
    names += name;
  };
  add(SSH_AUTH_METHOD_PUBLICKEY, "publickey");
  add(SSH_AUTH_METHOD_PASSWORD, "password");
  add(SSH_AUTH_METHOD_INTERACTIVE, "keyboard-interactive");
  add(SSH_AUTH_METHOD_HOSTBASED, "hostbased");
  add(SSH_AUTH_METHOD_GSSAPI_MIC, "gssapi-with-mic");
  return names.empty() ? std::string("none") : names;
}

/// One server's authentication, step by step.
class Authentication {
 public:
  Authentication(std::shared_ptr<SshSession> session,
                 Identity identity,
                 KeyRing& keys,
                 async::Pool& pool)
      : session_(std::move(session)), identity_(std::move(identity)), keys_(keys), pool_(pool) {}

  Async<std::string> run() {
    GS_CO_TRY_VOID(co_await load_all());
    // A first attempt that fails says which methods there are; `none` asks for that alone.
    const bool has_key =
        std::ranges::any_of(named_, [](const auto& key) { return key->key != nullptr; });
    if (!has_key) GS_CO_TRY_VOID(co_await ask_methods());
    for (const auto& key : named_) {
      if (!accepted_.empty()) break;
      GS_CO_TRY_VOID(co_await try_key(key));
    }
    if (accepted_.empty()) GS_CO_TRY_VOID(co_await try_agent());
    for (const auto& key : defaults_) {
      if (!accepted_.empty()) break;
      GS_CO_TRY_VOID(co_await try_key(key));
    }
    if (accepted_.empty()) GS_CO_TRY_VOID(co_await try_password());
    if (accepted_.empty()) co_return refusal();
    co_return accepted_;
  }

 private:
  Async<void> load_all() {
    for (const std::string& path : identity_.named_keys) {
      auto loading = keys_.load(path, identity_.passphrase);
      GS_CO_TRY(auto key, co_await std::move(loading));
      if (key->key == nullptr) note(fmt::format("key {}", path), key->problem);
      named_.push_back(std::move(key));
    }
    for (const std::string& path : identity_.default_keys) {
      if (std::ranges::find(identity_.named_keys, path) != identity_.named_keys.end()) continue;
      auto loading = keys_.load(path, identity_.passphrase);
      GS_CO_TRY(auto key, co_await std::move(loading));
      if (!key->exists) continue;
      if (key->key == nullptr) note(fmt::format("key {}", path), key->problem);
      defaults_.push_back(std::move(key));
    }
    co_return Result<void>();
  }

  Async<void> ask_methods() {
    std::function<int()> call = [raw = session_->raw()] { return ssh_userauth_none(raw, nullptr); };
    auto asking = session_->repeat(std::move(call), SSH_AUTH_AGAIN);
    GS_CO_TRY(const int rc, co_await std::move(asking));
    co_return settle(rc, "no proof at all");
  }

  [[nodiscard]] bool allows(int method) const {
    return !knows_methods_ || (methods_ & method) != 0;
  }

  /// Takes in the outcome of an attempt.
  Result<void> settle(int rc, const std::string& what) {
    if (session_->failure()) return *session_->failure();
    if (rc == SSH_AUTH_ERROR) {
      const std::string reason = session_->handle()->error_text();
      session_->fail(Error(ErrorCode::connection_lost, reason));
      note(what, reason);
      Error error = refusal();
      return error;
    }
    methods_ = ssh_userauth_list(session_->raw(), nullptr);
    knows_methods_ = true;
    if (rc == SSH_AUTH_SUCCESS) {
      accepted_ = proofs_.empty() ? what : proofs_ + " and " + what;
    } else if (rc == SSH_AUTH_PARTIAL) {
      proofs_ = proofs_.empty() ? what : proofs_ + " and " + what;
      note(what, "accepted, but the server wants more");
    }
    return {};
  }

  void note(const std::string& what, const std::string& outcome) {
    notes_.push_back(fmt::format("{}: {}", what, outcome));
  }

  Async<void> try_key(std::shared_ptr<const LoadedKey> key) {
    if (key->key == nullptr) co_return Result<void>();
    if (key->with_certificate != nullptr) {
      auto trying =
          sign_with(key->with_certificate.get(), fmt::format("certificate {}-cert.pub", key->path));
      GS_CO_TRY_VOID(co_await std::move(trying));
    }
    if (accepted_.empty()) {
      auto trying = sign_with(key->key.get(), fmt::format("key {}", key->path));
      GS_CO_TRY_VOID(co_await std::move(trying));
    }
    tried_publics_.push_back(key->public_base64);
    co_return Result<void>();
  }

  Async<void> sign_with(ssh_key key, std::string what) {
    if (!allows(SSH_AUTH_METHOD_PUBLICKEY)) {
      note(what, "not tried, the server takes no keys");
      co_return Result<void>();
    }
    if (attempts_ >= kMostAttempts) {
      note(what, fmt::format("not tried after {} attempts", kMostAttempts));
      co_return Result<void>();
    }
    ++attempts_;
    // L13: one key at a time, ours to choose; ssh_userauth_publickey_auto tries the agent's first
    // and writes KEY.pub beside the key.
    std::function<int()> call = [raw = session_->raw(), key] {
      return ssh_userauth_publickey(raw, nullptr, key);
    };
    auto trying = session_->repeat(std::move(call), SSH_AUTH_AGAIN);
    GS_CO_TRY(const int rc, co_await std::move(trying));
    if (rc == SSH_AUTH_DENIED) note(what, "refused");
    co_return settle(rc, what);
  }

  /// The agent's keys: those of named files first, without the ones that were tried as files.
  Result<std::vector<AgentKey>> choose(const std::vector<AgentKey>& listed) {
    std::vector<AgentKey> chosen;
    const auto is_named = [this](const AgentKey& key) {
      const std::string text = base64_encode(key.blob);
      return std::ranges::any_of(named_,
                                 [&](const auto& named) { return named->public_base64 == text; });
    };
    for (const bool wants_named : {true, false}) {
      for (const AgentKey& key : listed) {
        const std::string text = base64_encode(key.blob);
        if (std::ranges::find(tried_publics_, text) != tried_publics_.end() ||
            is_named(key) != wants_named)
          continue;
        if (identity_.only_named && !wants_named) continue;
        if (attempts_ + chosen.size() < kMostAttempts) {
          chosen.push_back(key);
        } else {
          note(fmt::format("agent key {}", key.text()),
               fmt::format("not tried after {} attempts", kMostAttempts));
        }
      }
    }
    return chosen;
  }

  Async<void> try_agent() {
    if (identity_.agent_socket.empty() || !allows(SSH_AUTH_METHOD_PUBLICKEY))
      co_return Result<void>();
    auto listing = list_agent_keys(identity_.agent_socket);
    Error late(ErrorCode::unreachable,
               fmt::format("the ssh agent at '{}' does not answer", identity_.agent_socket));
    auto limited =
        async::with_timeout(std::chrono::seconds(5), std::move(listing), std::move(late));
    Result<std::vector<AgentKey>> listed = co_await std::move(limited);
    if (!listed && listed.error().code() == ErrorCode::cancelled) co_return listed.error();
    if (!listed) {
      note("agent", listed.error().message());
      co_return Result<void>();
    }
    GS_CO_TRY(const std::vector<AgentKey> keys, choose(*listed));
    if (keys.empty()) co_return Result<void>();
    auto trying = authenticate_by_agent(session_, pool_, identity_.agent_socket, keys);
    GS_CO_TRY(const AgentOutcome outcome, co_await std::move(trying));
    attempts_ += outcome.tried;
    const bool is_wanted = outcome.code == SSH_AUTH_SUCCESS || outcome.code == SSH_AUTH_PARTIAL;
    for (std::size_t i = 0; i < outcome.tried; ++i) {
      const bool is_last = i + 1 == outcome.tried;
      if (!is_wanted || !is_last) note(fmt::format("agent key {}", keys[i].text()), "refused");
    }
    const std::string what = is_wanted && outcome.tried > 0
                                 ? fmt::format("agent key {}", keys[outcome.tried - 1].text())
                                 : std::string("agent keys");
    co_return settle(outcome.code, what);
  }

  /// One attempt only: a second one with the same wrong password may lock the account.
  Async<void> try_password() {
    if (identity_.password.empty()) co_return Result<void>();
    if (!knows_methods_) GS_CO_TRY_VOID(co_await ask_methods());
    if (!accepted_.empty()) co_return Result<void>();
    if (allows(SSH_AUTH_METHOD_PASSWORD)) {
      std::function<int()> call = [raw = session_->raw(), password = identity_.password] {
        return ssh_userauth_password(raw, nullptr, password.c_str());
      };
      auto trying = session_->repeat(std::move(call), SSH_AUTH_AGAIN);
      GS_CO_TRY(const int rc, co_await std::move(trying));
      if (rc == SSH_AUTH_DENIED) note("password", "refused");
      co_return settle(rc, "password");
    }
    if (allows(SSH_AUTH_METHOD_INTERACTIVE)) co_return co_await answer_questions();
    note("password", "not tried, the server takes none");
    co_return Result<void>();
  }

  Async<void> answer_questions() {
    bool has_answered = false;
    for (;;) {
      std::function<int()> call = [raw = session_->raw()] {
        return ssh_userauth_kbdint(raw, nullptr, nullptr);
      };
      auto trying = session_->repeat(std::move(call), SSH_AUTH_AGAIN);
      GS_CO_TRY(const int rc, co_await std::move(trying));
      if (rc != SSH_AUTH_INFO) {
        if (rc == SSH_AUTH_DENIED) note("keyboard-interactive", "refused");
        co_return settle(rc, "keyboard-interactive");
      }
      const int count = ssh_userauth_kbdint_getnprompts(session_->raw());
      for (int i = 0; i < count; ++i) {
        char echo = 0;
        const char* prompt =
            ssh_userauth_kbdint_getprompt(session_->raw(), static_cast<unsigned>(i), &echo);
        if (has_answered || echo != 0) {
          note("keyboard-interactive",
               fmt::format("the server asks '{}', which the password does not answer",
                           prompt == nullptr ? "" : prompt));
          co_return refusal();
        }
        ssh_userauth_kbdint_setanswer(
            session_->raw(), static_cast<unsigned>(i), identity_.password.c_str());
        has_answered = true;
      }
    }
  }

  Error refusal() const {
    std::string tried;
    for (const std::string& line : notes_) tried += (tried.empty() ? "" : "; ") + line;
    if (tried.empty()) tried = "nothing to try: no key, no agent, no password";
    const std::string user = identity_.user.empty() ? std::string() : identity_.user + "@";
    std::string hint =
        "set ansible_ssh_private_key_file or ansible_password, or load the key into ssh-agent";
    return Error(ErrorCode::auth_failed,
                 fmt::format("'{}{}' was not accepted: {} (the server takes: {})",
                             user,
                             identity_.host,
                             tried,
                             knows_methods_ ? method_names(methods_) : "unknown"))
        .hint(std::move(hint));
  }

  std::shared_ptr<SshSession> session_;
  Identity identity_;
  KeyRing& keys_;
  async::Pool& pool_;
  std::vector<std::shared_ptr<const LoadedKey>> named_;
  std::vector<std::shared_ptr<const LoadedKey>> defaults_;
  std::vector<std::string> tried_publics_;
  std::vector<std::string> notes_;
  std::string proofs_;
  std::string accepted_;
  std::size_t attempts_ = 0;
  int methods_ = 0;
  bool knows_methods_ = false;
};

}  // namespace

Async<std::string> authenticate(std::shared_ptr<SshSession> session,
                                Identity identity,
                                KeyRing& keys,
                                async::Pool& pool) {
  Authentication authentication(std::move(session), std::move(identity), keys, pool);
  co_return co_await authentication.run();
}

}  // namespace gpustack::transport
