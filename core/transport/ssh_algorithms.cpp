#include "core/transport/ssh_algorithms.hpp"

#include "core/transport/host_pattern.hpp"

#include <fmt/format.h>
#if defined(__aarch64__)
#include <asm/hwcap.h>

#include <sys/auxv.h>
#endif

#include <algorithm>
#include <iterator>
#include <vector>

namespace gpustack::transport {

namespace {

using Names = std::vector<std::string_view>;

/// What OpenSSH calls an option, and the names libssh 0.10 knows for it.
struct Option {
  std::string_view name;
  std::string_view supported;
};

/// @source libssh 0.10.6, kex.c, supported_methods
Option option_of(AlgorithmKind kind) {
  switch (kind) {
    case AlgorithmKind::key_exchange:
      return {"KexAlgorithms",
              "ecdh-sha2-nistp256,curve25519-sha256,curve25519-sha256@libssh.org,"
              "ecdh-sha2-nistp384,ecdh-sha2-nistp521,diffie-hellman-group18-sha512,"
              "diffie-hellman-group16-sha512,diffie-hellman-group-exchange-sha256,"
              "diffie-hellman-group14-sha256,diffie-hellman-group-exchange-sha1,"
              "diffie-hellman-group14-sha1,diffie-hellman-group1-sha1"};
    case AlgorithmKind::cipher:
      return {"Ciphers",
              "chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,aes128-gcm@openssh.com,"
              "aes256-ctr,aes192-ctr,aes128-ctr,aes256-cbc,aes192-cbc,aes128-cbc,3des-cbc"};
    case AlgorithmKind::mac:
      break;
  }
  return {"MACs",
          "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,"
          "hmac-sha1-etm@openssh.com,hmac-sha2-256,hmac-sha2-512,hmac-sha1"};
}

bool has_aes_instructions() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("aes") != 0;
#elif defined(__aarch64__)
  return (::getauxval(AT_HWCAP) & HWCAP_AES) != 0;
#else
  return false;
#endif
}

bool has(const Names& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

/// The names of `list` that are supported, each once, behind those of `names`.
void add(Names& names, const Names& list, const Names& supported) {
  for (const std::string_view name : list) {
    if (has(supported, name) && !has(names, name)) names.push_back(name);
  }
}

}  // namespace

std::string_view default_algorithms(AlgorithmKind kind) {
  switch (kind) {
    case AlgorithmKind::key_exchange:
      // libssh's default, with P-256 moved to the front: OpenSSH computes curve25519 with portable
      // C and P-256 with OpenSSL's assembly, which spares a server about 5 ms of CPU for each
      // connection (measured: 15 tasks cost the hosts x0.87). RFC 9142 gives both the same standing
      // (SHOULD); both have 128 bit, neither withstands a quantum computer.
      return "ecdh-sha2-nistp256,curve25519-sha256,curve25519-sha256@libssh.org,"
             "ecdh-sha2-nistp384,ecdh-sha2-nistp521,diffie-hellman-group18-sha512,"
             "diffie-hellman-group16-sha512,diffie-hellman-group-exchange-sha256,"
             "diffie-hellman-group14-sha256";
    case AlgorithmKind::cipher:
      if (has_aes_instructions()) {
        return "aes256-gcm@openssh.com,aes128-gcm@openssh.com,chacha20-poly1305@openssh.com,"
               "aes256-ctr,aes128-ctr";
      }
      return "chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,aes128-gcm@openssh.com,"
             "aes256-ctr,aes192-ctr,aes128-ctr";
    case AlgorithmKind::mac:
      break;
  }
  return "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256,"
         "hmac-sha2-512";
}

Result<std::string> chosen_algorithms(AlgorithmKind kind, std::string_view value) {
  const Option option = option_of(kind);
  const Names supported = split(option.supported, ",");
  const Names defaults = split(default_algorithms(kind), ",");
  const bool has_sign = !value.empty() && std::string_view("+-^").find(value[0]) != value.npos;
  const char sign = has_sign ? value[0] : '=';
  const Names given = split(has_sign ? value.substr(1) : value, ",");
  if (given.empty() || value.find_first_of(" \t") != std::string_view::npos) {
    return Error(ErrorCode::connection_settings,
                 fmt::format("{} is '{}': expected names with commas and without spaces between "
                             "them, of {}",
                             option.name,
                             value,
                             fmt::join(supported, ", ")));
  }
  Names names;
  if (sign == '-') {
    std::ranges::copy_if(defaults, std::back_inserter(names), [&](std::string_view name) {
      return !matches_any(given, name);
    });
  } else {
    if (sign == '+') add(names, defaults, supported);
    add(names, given, supported);
    if (sign == '^') add(names, defaults, supported);
  }
  if (!names.empty()) return fmt::format("{}", fmt::join(names, ","));
  return Error(ErrorCode::connection_settings,
               fmt::format("{} is '{}', which leaves no supported name: expected some of {}",
                           option.name,
                           value,
                           fmt::join(supported, ", ")));
}

std::string line_of(const Algorithms& algorithms) {
  return fmt::format("{} {} {}\n", algorithms.key_exchange, algorithms.ciphers, algorithms.macs);
}

}  // namespace gpustack::transport
