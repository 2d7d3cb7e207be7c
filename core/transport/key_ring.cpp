#include "core/transport/key_ring.hpp"

#include "core/transport/digest.hpp"
#include "core/transport/file_io.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <sys/stat.h>

#include <cerrno>

namespace gpustack::transport {

namespace {

constexpr std::size_t kLargestKey = 64U << 10U;

std::string base64_of(ssh_key key) {
  char* text = nullptr;
  if (ssh_pki_export_pubkey_base64(key, &text) != SSH_OK) return {};
  std::string result(text);
  ssh_string_free_char(text);
  return result;
}

/// The second word of `type base64 comment`.
std::string base64_of_public_file(const std::string& path) {
  const Result<std::string> text = read_file(path, kLargestKey);
  if (!text) return {};
  const auto begin = text->find(' ');
  if (begin == std::string::npos) return {};
  return text->substr(begin + 1, text->find_first_of(" \n", begin + 1) - begin - 1);
}

bool is_encrypted(const std::string& text) {
  if (text.find("ENCRYPTED") != std::string::npos) return true;
  const auto begin = text.find("-----BEGIN OPENSSH PRIVATE KEY-----");
  if (begin == std::string::npos) return false;
  std::string body;
  for (const char letter : text.substr(begin + 35, text.find("-----END") - begin - 35)) {
    if (letter != '\n' && letter != '\r') body += letter;
  }
  const auto decoded = base64_decode(body);
  return decoded && decoded->find("bcrypt") != std::string::npos;
}

void attach_certificate(LoadedKey& loaded) {
  ssh_key certificate = nullptr;
  if (ssh_pki_import_cert_file((loaded.path + "-cert.pub").c_str(), &certificate) != SSH_OK) return;
  const SshKey owned(certificate);
  SshKey copy(ssh_key_dup(loaded.key.get()));
  if (copy != nullptr && ssh_pki_copy_cert_to_privkey(certificate, copy.get()) == SSH_OK) {
    loaded.with_certificate = std::move(copy);
  }
}

/// Blocks, and may take a second of CPU for bcrypt (L12): runs on the pool.
std::shared_ptr<const LoadedKey> load_now(const std::string& path, const Secret& passphrase) {
  auto loaded = std::make_shared<LoadedKey>();
  loaded->path = path;
  loaded->public_base64 = base64_of_public_file(path + ".pub");
  struct stat status = {};
  if (::stat(path.c_str(), &status) != 0) {
    loaded->problem = errno_text(errno);
    loaded->exists = errno != ENOENT || !loaded->public_base64.empty();
    return loaded;
  }
  loaded->exists = true;
  // As OpenSSH: a key that others can read is not used.
  if (status.st_uid == ::getuid() && (status.st_mode & 077) != 0) {
    loaded->problem =
        fmt::format("its mode {:04o} lets others read it; run chmod 600", status.st_mode & 07777);
    return loaded;
  }
  Result<std::string> text = read_file(path, kLargestKey);
  if (!text) {
    loaded->problem = text.error().message();
    return loaded;
  }
  ssh_key key = nullptr;
  // Never a null passphrase: OpenSSL would ask on the terminal.
  const int rc =
      ssh_pki_import_privkey_base64(text->c_str(), passphrase.c_str(), nullptr, nullptr, &key);
  if (rc == SSH_OK) {
    loaded->key.reset(key);
    if (loaded->public_base64.empty()) loaded->public_base64 = base64_of(key);
    attach_certificate(*loaded);
  } else if (is_encrypted(*text)) {
    loaded->problem = passphrase.empty() ? "it is encrypted and no passphrase was given"
                                         : "the passphrase does not open it";
  } else {
    loaded->problem = "it is no private key that can be read here";
  }
  wipe(*text);
  return loaded;
}

}  // namespace

Async<std::shared_ptr<const LoadedKey>> KeyRing::load(std::string path, Secret passphrase) {
  const std::string name =
      path + '\n' + (passphrase.empty() ? std::string() : sha256(passphrase.reveal()));
  std::shared_ptr<Slot>& known = slots_[name];
  if (known != nullptr) {
    const std::shared_ptr<Slot> slot = known;
    GS_CO_TRY_VOID(co_await slot->loaded.wait());
    if (slot->key != nullptr) co_return slot->key;
    co_return async::cancelled_error();  // the one who was loading was stopped, so the run is
                                         // ending
  }
  const auto slot = std::make_shared<Slot>(executor_);
  known = slot;
  auto call = [path, secret = std::move(passphrase)] {
    return Result<std::shared_ptr<const LoadedKey>>(load_now(path, secret));
  };
  auto work = async::on_pool(pool_, std::move(call));
  Result<std::shared_ptr<const LoadedKey>> loaded = co_await std::move(work);
  if (loaded) slot->key = *loaded;
  if (!loaded) slots_.erase(name);
  slot->loaded.set();
  co_return loaded;
}

}  // namespace gpustack::transport
