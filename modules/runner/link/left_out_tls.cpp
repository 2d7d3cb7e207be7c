/// @file The parts of mbed TLS (2.28) that no connection uses: ciphers and digests that nobody
/// offers any more, and its log. As in left_out.cpp a name that is defined here is not taken from
/// the library. What answers with a fault is told as one: a certificate signed with MD4 is not
/// trusted, which the library's own rules say too.

// NOLINTBEGIN(readability-identifier-naming): names of the library

extern "C" {
#define GS_NOTHING_TO_DO(name) \
  void name() {}
#define GS_REFUSED(name, code) \
  int name() { return code; }

// Ciphers. offered_suites() in modules/sdk/tls.cpp has none of these; their tables still name them.
constexpr int kNoCipher = -0x6080;  // MBEDTLS_ERR_CIPHER_FEATURE_UNAVAILABLE
GS_NOTHING_TO_DO(mbedtls_arc4_init)
GS_NOTHING_TO_DO(mbedtls_arc4_free)
GS_NOTHING_TO_DO(mbedtls_arc4_setup)
GS_REFUSED(mbedtls_arc4_crypt, kNoCipher)
GS_NOTHING_TO_DO(mbedtls_blowfish_init)
GS_NOTHING_TO_DO(mbedtls_blowfish_free)
GS_REFUSED(mbedtls_blowfish_setkey, kNoCipher)
GS_REFUSED(mbedtls_blowfish_crypt_ecb, kNoCipher)
GS_REFUSED(mbedtls_blowfish_crypt_cbc, kNoCipher)
GS_REFUSED(mbedtls_blowfish_crypt_cfb64, kNoCipher)
GS_REFUSED(mbedtls_blowfish_crypt_ctr, kNoCipher)
GS_NOTHING_TO_DO(mbedtls_camellia_init)
GS_NOTHING_TO_DO(mbedtls_camellia_free)
GS_REFUSED(mbedtls_camellia_setkey_enc, kNoCipher)
GS_REFUSED(mbedtls_camellia_setkey_dec, kNoCipher)
GS_REFUSED(mbedtls_camellia_crypt_ecb, kNoCipher)
GS_REFUSED(mbedtls_camellia_crypt_cbc, kNoCipher)
GS_REFUSED(mbedtls_camellia_crypt_cfb128, kNoCipher)
GS_REFUSED(mbedtls_camellia_crypt_ctr, kNoCipher)
GS_NOTHING_TO_DO(mbedtls_des_init)
GS_NOTHING_TO_DO(mbedtls_des_free)
GS_REFUSED(mbedtls_des_setkey_enc, kNoCipher)
GS_REFUSED(mbedtls_des_setkey_dec, kNoCipher)
GS_REFUSED(mbedtls_des_crypt_ecb, kNoCipher)
GS_REFUSED(mbedtls_des_crypt_cbc, kNoCipher)
GS_NOTHING_TO_DO(mbedtls_des3_init)
GS_NOTHING_TO_DO(mbedtls_des3_free)
GS_REFUSED(mbedtls_des3_set2key_enc, kNoCipher)
GS_REFUSED(mbedtls_des3_set2key_dec, kNoCipher)
GS_REFUSED(mbedtls_des3_set3key_enc, kNoCipher)
GS_REFUSED(mbedtls_des3_set3key_dec, kNoCipher)
GS_REFUSED(mbedtls_des3_crypt_ecb, kNoCipher)
GS_REFUSED(mbedtls_des3_crypt_cbc, kNoCipher)

// Digests of certificates.
constexpr int kNoDigest = -0x5080;  // MBEDTLS_ERR_MD_FEATURE_UNAVAILABLE
#define GS_NO_DIGEST(name)                           \
  GS_NOTHING_TO_DO(mbedtls_##name##_init)            \
  GS_NOTHING_TO_DO(mbedtls_##name##_free)            \
  GS_NOTHING_TO_DO(mbedtls_##name##_clone)           \
  GS_REFUSED(mbedtls_##name##_ret, kNoDigest)        \
  GS_REFUSED(mbedtls_##name##_starts_ret, kNoDigest) \
  GS_REFUSED(mbedtls_##name##_update_ret, kNoDigest) \
  GS_REFUSED(mbedtls_##name##_finish_ret, kNoDigest) \
  GS_REFUSED(mbedtls_internal_##name##_process, kNoDigest)
GS_NO_DIGEST(md2)
GS_NO_DIGEST(md4)
GS_NO_DIGEST(ripemd160)
#undef GS_NO_DIGEST

// Client keys under a password, which no argument gives.
constexpr int kPasswordRequired = -0x3C00;  // MBEDTLS_ERR_PK_PASSWORD_REQUIRED
GS_REFUSED(mbedtls_pkcs12_pbe, kPasswordRequired)
GS_REFUSED(mbedtls_pkcs12_pbe_sha1_rc4_128, kPasswordRequired)
GS_REFUSED(mbedtls_pkcs5_pbes2, kPasswordRequired)

// The log of a handshake, which nobody switches on.
GS_NOTHING_TO_DO(mbedtls_debug_print_buf)
GS_NOTHING_TO_DO(mbedtls_debug_print_crt)
GS_NOTHING_TO_DO(mbedtls_debug_print_mpi)
GS_NOTHING_TO_DO(mbedtls_debug_print_msg)
GS_NOTHING_TO_DO(mbedtls_debug_print_ret)
GS_NOTHING_TO_DO(mbedtls_debug_printf_ecdh)

#undef GS_REFUSED
#undef GS_NOTHING_TO_DO
}

// NOLINTEND(readability-identifier-naming)
