#pragma once
/// @file KeyRing: private keys, read and decrypted once for all hosts, away from the loop.

#include "core/async/async.hpp"
#include "core/async/event.hpp"
#include "core/async/pool.hpp"
#include "core/base/secret.hpp"

#include <libssh/libssh.h>

#include <map>
#include <memory>
#include <string>

namespace gpustack::transport {

struct SshKeyFree {
  void operator()(ssh_key key) const { ssh_key_free(key); }
};
using SshKey = std::unique_ptr<ssh_key_struct, SshKeyFree>;

/// A key file's content. The private half is absent when it needs a passphrase we do not have; its
/// public half may then still help to pick the agent's key.
struct LoadedKey {
  std::string path;
  SshKey key;
  SshKey with_certificate;    ///< a copy of `key` that carries KEY-cert.pub
  std::string public_base64;  ///< of the key, or of KEY.pub
  std::string problem;        ///< why `key` is absent
  bool exists = false;
};

/// Thread: one strand; the reading itself happens on the pool.
class KeyRing {
 public:
  KeyRing(asio::any_io_executor executor, async::Pool& pool)
      : executor_(std::move(executor)), pool_(pool) {}

  /// Loads `path` once per passphrase. A key that cannot be used comes back with `problem` set.
  /// @error cancelled
  Async<std::shared_ptr<const LoadedKey>> load(std::string path, Secret passphrase);

 private:
  struct Slot {
    explicit Slot(const asio::any_io_executor& executor) : loaded(executor) {}
    async::Event loaded;
    std::shared_ptr<const LoadedKey> key;
  };

  asio::any_io_executor executor_;
  async::Pool& pool_;
  std::map<std::string, std::shared_ptr<Slot>> slots_;  // by path and the passphrase's hash
};

}  // namespace gpustack::transport
