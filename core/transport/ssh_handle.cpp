#include "core/transport/ssh_handle.hpp"

#include "core/transport/ssh_algorithms.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <initializer_list>

namespace gpustack::transport {

namespace {

/// The signature algorithms of a host key type.
std::string algorithms_of(const std::string& key_type) {
  return key_type == "ssh-rsa" ? "rsa-sha2-512,rsa-sha2-256" : key_type;
}

std::string host_key_algorithms(const std::vector<std::string>& known_types) {
  constexpr std::array kAll = {"ssh-ed25519",
                               "ecdsa-sha2-nistp256",
                               "ecdsa-sha2-nistp384",
                               "ecdsa-sha2-nistp521",
                               "ssh-rsa"};
  std::string list;
  const auto add = [&list](const std::string& type) {
    if (!list.empty()) list += ',';
    list += algorithms_of(type);
  };
  for (const char* type : kAll) {
    if (std::ranges::find(known_types, type) != known_types.end()) add(type);
  }
  for (const char* type : kAll) {
    if (std::ranges::find(known_types, type) == known_types.end()) add(type);
  }
  return list;
}

struct TextOption {
  ssh_options_e option;
  std::string value;
};

std::vector<TextOption> text_options(const SshOptions& options) {
  std::vector<TextOption> list = {
      {SSH_OPTIONS_HOST, options.address},
      {SSH_OPTIONS_USER, options.user},
      // L16: no file of the user is read by libssh; host keys are checked by our own code.
      {SSH_OPTIONS_SSH_DIR, "/nonexistent"},
      {SSH_OPTIONS_KNOWNHOSTS, "/dev/null"},
      {SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null"},
      {SSH_OPTIONS_HOSTKEYS, host_key_algorithms(options.known_key_types)},
      {SSH_OPTIONS_COMPRESSION, "no"},
  };
  const auto add = [&list](std::initializer_list<ssh_options_e> directions,
                           AlgorithmKind kind,
                           const std::string& chosen) {
    for (const ssh_options_e option : directions)
      list.push_back({option, chosen.empty() ? std::string(default_algorithms(kind)) : chosen});
  };
  const Algorithms& algorithms = options.algorithms;
  add({SSH_OPTIONS_KEY_EXCHANGE}, AlgorithmKind::key_exchange, algorithms.key_exchange);
  add({SSH_OPTIONS_CIPHERS_C_S, SSH_OPTIONS_CIPHERS_S_C},
      AlgorithmKind::cipher,
      algorithms.ciphers);
  add({SSH_OPTIONS_HMAC_C_S, SSH_OPTIONS_HMAC_S_C}, AlgorithmKind::mac, algorithms.macs);
  return list;
}

}  // namespace

Result<std::shared_ptr<SshHandle>> SshHandle::make(FileHandle duplicate,
                                                   const SshOptions& options) {
  // L5: the option is masked with 0xffff, so that a larger number would name another host's socket.
  if (duplicate.get() > 0xFFFF) {
    return Error(ErrorCode::unreachable,
                 fmt::format("too many open files: descriptor {} is over 65535", duplicate.get()))
        .hint("lower the limit of open files to 65536, or use fewer forks");
  }
  ssh_set_log_level(SSH_LOG_NOLOG);  // L8: thread-local, so set where sessions are made
  const ssh_session session = ssh_new();
  if (session == nullptr) return Error(ErrorCode::unreachable, "no memory for an ssh session");
  const int descriptor = duplicate.get();
  std::shared_ptr<SshHandle> handle(new SshHandle(session, std::move(duplicate)));
  const int is_off = 0;
  const unsigned port = options.port;
  // L6: first of all, else ssh_connect reads ssh_config and runs its `Match exec` commands on the
  // loop.
  bool is_set = ssh_options_set(session, SSH_OPTIONS_PROCESS_CONFIG, &is_off) == SSH_OK;
  is_set = is_set && ssh_options_set(session, SSH_OPTIONS_PORT, &port) == SSH_OK;
  is_set = is_set && ssh_options_set(session, SSH_OPTIONS_FD, &descriptor) == SSH_OK;
  for (const TextOption& option : text_options(options)) {
    is_set = is_set && ssh_options_set(session, option.option, option.value.c_str()) == SSH_OK;
  }
  if (!is_set) {
    handle->set_failed();
    return Error(ErrorCode::unreachable,
                 fmt::format("cannot set up the ssh session: {}", handle->error_text()));
  }
  ssh_set_blocking(session, 0);
  return handle;
}

SshHandle::~SshHandle() {
  if (event_ != nullptr) {
    ssh_event_remove_session(event_, session_);
    ssh_event_free(event_);
  }
  // L4: -1 means that libssh has closed the descriptor. After ssh_disconnect it always says -1, so
  // ask before. Without ssh_disconnect (L11) ssh_free closes a descriptor that is still open.
  const bool is_ours = descriptor_ >= 0 && !has_failed_ && ssh_get_fd(session_) != -1;
  if (!has_failed_ && descriptor_ >= 0) ssh_disconnect(session_);
  ssh_free(session_);
  if (is_ours) ::close(descriptor_);
}

int SshHandle::connect() {
  if (duplicate_.is_open()) descriptor_ = duplicate_.release();
  if (ssh_get_serverbanner(session_) == nullptr) early_.look(descriptor_);
  const int rc = ssh_connect(session_);
  if (rc == SSH_ERROR) {
    has_failed_ = true;
  } else {
    set_non_blocking();
  }
  return rc;
}

void SshHandle::make_event() {
  event_ = ssh_event_new();
  ssh_event_add_session(event_, session_);
  ssh_set_counters(session_, nullptr, &received_);
  set_non_blocking();
}

void SshHandle::set_non_blocking() const {
  const int flags = ::fcntl(descriptor_, F_GETFL);
  if (flags >= 0 && (flags & O_NONBLOCK) == 0) ::fcntl(descriptor_, F_SETFL, flags | O_NONBLOCK);
}

std::string SshHandle::error_text() const {
  const char* text = ssh_get_error(session_);
  return text == nullptr ? std::string() : std::string(text);
}

}  // namespace gpustack::transport
