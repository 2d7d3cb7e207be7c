#pragma once
/// @file known_hosts files: which keys a host may show. Own code, since libssh knows neither
/// @revoked nor
/// @cert-authority.

#include "core/base/result.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::transport {

/// A public host key as a known_hosts file writes it.
struct HostKey {
  std::string type;    ///< ssh-ed25519, ecdsa-sha2-nistp256, ssh-rsa, ...
  std::string base64;  ///< the key's blob

  bool operator==(const HostKey&) const = default;
};

/// `SHA256:...`, as ssh-keygen prints it.
std::string fingerprint(const HostKey& key);

/// What the files say about the key a host has shown.
struct HostKeyVerdict {
  enum class Kind : std::uint8_t {
    known,
    unknown,  ///< nothing is known about the host
    changed,  ///< the host is known, by other keys only
    revoked,  ///< the key is marked @revoked
  };
  Kind kind = Kind::unknown;
  HostKey known_key;  ///< changed: the key on file (of the same type when there is one)
  std::string place;  ///< changed, revoked: file:line
  bool has_authority =
      false;  ///< a @cert-authority line names the host; host certificates are not usable here
};

/// The content of several files, in order.
/// @source OpenSSH 9.2, sshd(8), section "SSH_KNOWN_HOSTS FILE FORMAT"
class KnownHosts {
 public:
  /// Adds a file's text. Lines that do not parse are skipped, as OpenSSH does.
  void add_text(const std::string& path, std::string_view text);

  [[nodiscard]] HostKeyVerdict check(const std::string& host,
                                     std::uint16_t port,
                                     const HostKey& key) const;
  /// The key types on file for the host, in file order.
  [[nodiscard]] std::vector<std::string> types(const std::string& host, std::uint16_t port) const;

 private:
  enum class Marker : std::uint8_t { none, revoked, authority };
  struct Entry {
    Marker marker = Marker::none;
    std::string patterns;
    HostKey key;
    std::size_t file = 0;
    std::size_t line = 0;
  };

  [[nodiscard]] std::vector<const Entry*> entries_of(const std::string& host,
                                                     std::uint16_t port) const;
  [[nodiscard]] std::string place(const Entry& entry) const;

  std::vector<std::string> paths_;
  std::vector<Entry> entries_;
  std::map<std::string, std::vector<std::size_t>, std::less<>> by_name_;  ///< plain names
  std::vector<std::size_t> others_;  ///< hashed names and patterns
};

/// How known_hosts names a host: `host`, or `[host]:port` off port 22; lower case.
std::string known_hosts_name(const std::string& host, std::uint16_t port);

/// A line to be added.
struct NewHostKey {
  std::string host;
  std::uint16_t port = 22;
  HostKey key;
};

/// Adds the lines that are missing in `path`: lock, temporary file beside it, fsync, rename.
/// Blocks: call it on a pool. A path that is no regular file (/dev/null) is left alone.
/// @error file_unreadable  the file or its folder cannot be written
Result<void> append_known_hosts(const std::string& path, const std::vector<NewHostKey>& lines);

}  // namespace gpustack::transport
