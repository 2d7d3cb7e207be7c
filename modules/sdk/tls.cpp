#include "modules/sdk/tls.hpp"

#include "modules/sdk/system.hpp"
#include "modules/sdk/text.hpp"

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/error.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>
#include <poll.h>

#include <arpa/inet.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

namespace gpustack::modules {

namespace {

constexpr std::uint64_t kBundleLimit = 16U << 20U;
constexpr std::array kBundles = {"/etc/ssl/certs/ca-certificates.crt",
                                 "/etc/pki/tls/certs/ca-bundle.crt",
                                 "/etc/ssl/ca-bundle.pem",
                                 "/etc/ssl/cert.pem"};

std::string tls_text(int code) {
  std::array<char, 160> text{};
  mbedtls_strerror(code, text.data(), text.size());
  return text.data();
}

Error tls_error(const std::string& what, int code) {
  return Error(ErrorCode::module_failed, what + ": " + tls_text(code));
}

struct Session {
  Session() {
    mbedtls_ssl_init(&ssl);
    mbedtls_ssl_config_init(&config);
    mbedtls_entropy_init(&entropy);
    mbedtls_ctr_drbg_init(&random);
    mbedtls_x509_crt_init(&trusted);
    mbedtls_x509_crt_init(&own);
    mbedtls_pk_init(&key);
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() {
    mbedtls_ssl_free(&ssl);
    mbedtls_ssl_config_free(&config);
    mbedtls_ctr_drbg_free(&random);
    mbedtls_entropy_free(&entropy);
    mbedtls_x509_crt_free(&trusted);
    mbedtls_x509_crt_free(&own);
    mbedtls_pk_free(&key);
  }

  mbedtls_ssl_context ssl{};
  mbedtls_ssl_config config{};
  mbedtls_entropy_context entropy{};
  mbedtls_ctr_drbg_context random{};
  mbedtls_x509_crt trusted{};
  mbedtls_x509_crt own{};
  mbedtls_pk_context key{};
};

/// What a server may choose from: all that the library has except ciphers that are broken (RC4,
/// DES) or that nobody uses (Camellia). Ends with 0; lives as long as the program, for the library
/// keeps no copy.
const int* offered_suites() {
  static const std::vector<int> suites = [] {
    std::vector<int> out;
    for (const int* id = mbedtls_ssl_list_ciphersuites(); *id != 0; ++id) {
      const auto* suite = mbedtls_ssl_ciphersuite_from_id(*id);
      const auto* cipher =
          suite == nullptr ? nullptr : mbedtls_cipher_info_from_type(suite->cipher);
      if (cipher == nullptr) continue;
      const std::string_view name = cipher->name;
      if (name.starts_with("AES") || name.starts_with("CHACHA20")) out.push_back(*id);
    }
    out.push_back(0);
    return out;
  }();
  return suites.data();
}

// mbed TLS wants PEM text with its final zero counted.
const unsigned char* pem(const std::string& text) {
  return reinterpret_cast<const unsigned char*>(text.c_str());
}

Result<std::string> bundle_text(const SystemView& view, const TlsSettings& settings) {
  std::vector<std::string> places;
  if (!settings.ca_path.empty()) {
    places = {settings.ca_path};
  } else {
    const std::string named = view.environment("SSL_CERT_FILE");
    if (!named.empty()) places.push_back(named);
    places.insert(places.end(), kBundles.begin(), kBundles.end());
  }
  for (const std::string& place : places) {
    auto text = view.read(place, kBundleLimit);
    if (text) return text;
  }
  return Error(ErrorCode::module_failed,
               "no certificates to trust: looked at " + join(places, ", "))
      .hint("install ca-certificates, or name a file with ca_path");
}

/// The address as it stands in a certificate; empty when the host is a name.
std::string address_bytes(const std::string& host) {
  std::array<char, 16> bytes{};
  if (::inet_pton(AF_INET, host.c_str(), bytes.data()) == 1) return std::string(bytes.data(), 4);
  if (::inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1) return std::string(bytes.data(), 16);
  return {};
}

/// mbed TLS 2.28 compares names only, so an address is looked for here.
bool names_address(const mbedtls_x509_crt* certificate, const std::string& address) {
  constexpr int kAddressTag = 7;
  for (const mbedtls_x509_sequence* name = &certificate->subject_alt_names; name != nullptr;
       name = name->next) {
    const bool is_address = (name->buf.tag & MBEDTLS_ASN1_TAG_VALUE_MASK) == kAddressTag;
    if (is_address && name->buf.len == address.size() &&
        std::memcmp(name->buf.p, address.data(), address.size()) == 0)
      return true;
  }
  return false;
}

std::string verification_text(std::uint32_t flags) {
  std::array<char, 512> text{};
  mbedtls_x509_crt_verify_info(text.data(), text.size(), "", flags);
  return replace_all(trim(text.data()), "\n", "; ");
}

}  // namespace

struct Stream::State {
  Descriptor socket;
  std::chrono::milliseconds timeout;
  int cancel_descriptor;
  std::unique_ptr<Session> session;
  std::array<char, 16384> buffer{};

  Result<void> wait(short events) const {
    std::array<pollfd, 2> wanted{pollfd{socket.get(), events, 0},
                                 pollfd{cancel_descriptor, POLLIN, 0}};
    while (true) {
      const int ready = ::poll(wanted.data(), wanted.size(), static_cast<int>(timeout.count()));
      if (ready < 0 && errno == EINTR) continue;
      if (ready == 0) {
        return Error(
            ErrorCode::module_failed,
            "the server was silent for " + std::to_string(timeout.count() / 1000) + " seconds");
      }
      if (wanted[1].revents != 0) return Error(ErrorCode::cancelled, "stopped on request");
      return {};
    }
  }

  /// Waits for what mbed TLS wants. @return false when `code` is a fault
  Result<bool> wait_for_tls(int code) const {
    if (code == MBEDTLS_ERR_SSL_WANT_READ) {
      GS_TRY_VOID(wait(POLLIN));
      return true;
    }
    if (code == MBEDTLS_ERR_SSL_WANT_WRITE) {
      GS_TRY_VOID(wait(POLLOUT));
      return true;
    }
    return false;
  }

  static int send_bytes(void* self, const unsigned char* bytes, std::size_t size) {
    const auto done = ::send(static_cast<State*>(self)->socket.get(), bytes, size, MSG_NOSIGNAL);
    if (done >= 0) return static_cast<int>(done);
    return errno == EAGAIN || errno == EINTR ? MBEDTLS_ERR_SSL_WANT_WRITE
                                             : MBEDTLS_ERR_SSL_INTERNAL_ERROR;
  }

  static int receive_bytes(void* self, unsigned char* bytes, std::size_t size) {
    const auto done = ::recv(static_cast<State*>(self)->socket.get(), bytes, size, 0);
    if (done >= 0) return static_cast<int>(done);
    return errno == EAGAIN || errno == EINTR ? MBEDTLS_ERR_SSL_WANT_READ
                                             : MBEDTLS_ERR_SSL_INTERNAL_ERROR;
  }

  Result<void> prepare(const SystemView& view, const TlsSettings& settings, bool names_host) {
    Session& tls = *session;
    int code = mbedtls_ctr_drbg_seed(&tls.random, mbedtls_entropy_func, &tls.entropy, nullptr, 0);
    if (code != 0) return tls_error("no random numbers", code);
    code = mbedtls_ssl_config_defaults(&tls.config,
                                       MBEDTLS_SSL_IS_CLIENT,
                                       MBEDTLS_SSL_TRANSPORT_STREAM,
                                       MBEDTLS_SSL_PRESET_DEFAULT);
    if (code != 0) return tls_error("TLS cannot be set up", code);
    mbedtls_ssl_conf_rng(&tls.config, mbedtls_ctr_drbg_random, &tls.random);
    mbedtls_ssl_conf_min_version(
        &tls.config, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
    mbedtls_ssl_conf_ciphersuites(&tls.config, offered_suites());
    // The verdict is asked for after the handshake, so that it can be explained.
    mbedtls_ssl_conf_authmode(
        &tls.config, settings.validate ? MBEDTLS_SSL_VERIFY_OPTIONAL : MBEDTLS_SSL_VERIFY_NONE);
    if (settings.validate) {
      GS_TRY(const std::string bundle, bundle_text(view, settings));
      code = mbedtls_x509_crt_parse(&tls.trusted, pem(bundle), bundle.size() + 1);
      // A positive number counts certificates of a bundle that could not be read: the rest still
      // serves.
      if (code < 0) return tls_error("the certificates to trust do not parse", code);
      mbedtls_ssl_conf_ca_chain(&tls.config, &tls.trusted, nullptr);
    }
    if (!settings.client_certificate.empty()) GS_TRY_VOID(add_client_certificate(view, settings));
    code = mbedtls_ssl_setup(&tls.ssl, &tls.config);
    if (code != 0) return tls_error("TLS cannot be set up", code);
    code = mbedtls_ssl_set_hostname(&tls.ssl, names_host ? settings.host.c_str() : nullptr);
    if (code != 0) return tls_error("the name '" + settings.host + "' cannot be checked", code);
    mbedtls_ssl_set_bio(&tls.ssl, this, send_bytes, receive_bytes, nullptr);
    return {};
  }

  Result<void> add_client_certificate(const SystemView& view, const TlsSettings& settings) {
    Session& tls = *session;
    GS_TRY(const std::string certificate, view.read(settings.client_certificate));
    int code = mbedtls_x509_crt_parse(&tls.own, pem(certificate), certificate.size() + 1);
    if (code != 0)
      return tls_error(
          "the client certificate '" + settings.client_certificate + "' does not parse", code);
    const std::string& key_path =
        settings.client_key.empty() ? settings.client_certificate : settings.client_key;
    GS_TRY(const std::string key, view.read(key_path));
    code = mbedtls_pk_parse_key(&tls.key, pem(key), key.size() + 1, nullptr, 0);
    if (code != 0) return tls_error("the client key '" + key_path + "' does not parse", code);
    code = mbedtls_ssl_conf_own_cert(&tls.config, &tls.own, &tls.key);
    if (code != 0) return tls_error("the client certificate cannot be used", code);
    return {};
  }

  Result<void> judge(const TlsSettings& settings, const std::string& address) const {
    const std::uint32_t flags = mbedtls_ssl_get_verify_result(&session->ssl);
    if (flags != 0) {
      return Error(ErrorCode::module_failed,
                   "the certificate of '" + settings.host +
                       "' is not trusted: " + verification_text(flags))
          .hint("name its authority with ca_path, or use validate_certs: no where that is safe");
    }
    const mbedtls_x509_crt* certificate = mbedtls_ssl_get_peer_cert(&session->ssl);
    if (!address.empty() && (certificate == nullptr || !names_address(certificate, address))) {
      return Error(ErrorCode::module_failed,
                   "the certificate is not for the address '" + settings.host + "'");
    }
    return {};
  }
};

Stream::Stream(Descriptor socket, std::chrono::milliseconds timeout, int cancel_descriptor)
    : state_(std::make_unique<State>()) {
  state_->socket = std::move(socket);
  state_->timeout = timeout;
  state_->cancel_descriptor = cancel_descriptor;
}

Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(Stream&&) noexcept = default;

Stream::~Stream() {
  if (state_ && state_->session) mbedtls_ssl_close_notify(&state_->session->ssl);
}

Result<void> Stream::start_tls(const SystemView& view, const TlsSettings& settings) {
  state_->session = std::make_unique<Session>();
  const std::string address = address_bytes(settings.host);
  GS_TRY_VOID(state_->prepare(view, settings, address.empty()));
  while (true) {
    const int code = mbedtls_ssl_handshake(&state_->session->ssl);
    if (code == 0) break;
    GS_TRY(const bool again, state_->wait_for_tls(code));
    if (again) continue;
    Error error = tls_error("no TLS connection to '" + settings.host + "'", code);
    // mbed TLS 2.28 has no TLS 1.3; a server that insists on it says no more than this.
    if (code == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE ||
        code == MBEDTLS_ERR_SSL_BAD_HS_PROTOCOL_VERSION)
      return std::move(error).hint("TLS 1.2 is spoken here; the server may ask for 1.3");
    return error;
  }
  if (!settings.validate) return {};
  return state_->judge(settings, address);
}

Result<void> Stream::write(std::string_view bytes) {
  while (!bytes.empty()) {
    if (state_->session) {
      const int done = mbedtls_ssl_write(&state_->session->ssl,
                                         reinterpret_cast<const unsigned char*>(bytes.data()),
                                         bytes.size());
      if (done > 0) {
        bytes.remove_prefix(static_cast<std::size_t>(done));
        continue;
      }
      GS_TRY(const bool again, state_->wait_for_tls(done));
      if (!again) return tls_error("the request cannot be sent", done);
      continue;
    }
    const auto done = ::send(state_->socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (done > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(done));
    } else if (errno == EAGAIN) {
      GS_TRY_VOID(state_->wait(POLLOUT));
    } else if (errno != EINTR) {
      return Error(ErrorCode::module_failed,
                   std::string("the request cannot be sent: ") + std::strerror(errno));
    }
  }
  return {};
}

Result<std::string_view> Stream::read() {
  auto& buffer = state_->buffer;
  while (true) {
    if (state_->session) {
      const int done = mbedtls_ssl_read(
          &state_->session->ssl, reinterpret_cast<unsigned char*>(buffer.data()), buffer.size());
      if (done > 0) return std::string_view(buffer.data(), static_cast<std::size_t>(done));
      // Many servers close the connection without TLS's own farewell; the length of the answer
      // tells whether it is whole.
      if (done == 0 || done == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY ||
          done == MBEDTLS_ERR_SSL_CONN_EOF)
        return std::string_view();
      GS_TRY(const bool again, state_->wait_for_tls(done));
      if (!again) return tls_error("the answer cannot be read", done);
      continue;
    }
    const auto done = ::recv(state_->socket.get(), buffer.data(), buffer.size(), 0);
    if (done >= 0) return std::string_view(buffer.data(), static_cast<std::size_t>(done));
    if (errno == EAGAIN) {
      GS_TRY_VOID(state_->wait(POLLIN));
    } else if (errno != EINTR) {
      return Error(ErrorCode::module_failed,
                   std::string("the answer cannot be read: ") + std::strerror(errno));
    }
  }
}

}  // namespace gpustack::modules
