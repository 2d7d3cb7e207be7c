/// @file What the static libraries would bring along and no host needs: a name that is defined here
/// is not taken from them, and neither is all that stands behind it. Only the static runner has
/// this file; together with left_out_libc.cpp and left_out_tls.cpp it is more than 1 MiB of it.

#include <netdb.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

// NOLINTBEGIN(readability-identifier-naming,bugprone-reserved-identifier): names of the libraries

// PCRE2's compiler to machine code (Debian 12, 10.42; 200 KiB). core/regex never asks for it, so no
// pattern has such code: there is nothing to free, and nothing to run.
extern "C" {
void _pcre2_jit_free_8(void* /*code*/, void* /*memory*/) {}
void _pcre2_jit_free_rodata_8(void* /*current*/, void* /*memory*/) {}
std::size_t _pcre2_jit_get_size_8(void* /*code*/) { return 0; }
const char* _pcre2_jit_get_target_8() { return "none"; }
int _pcre2_jit_check_exec_8(void* /*code*/) { return 0; }
int pcre2_jit_match_8(const void* /*code*/,
                      const std::uint8_t* /*subject*/,
                      std::size_t /*length*/,
                      std::size_t /*start*/,
                      std::uint32_t /*options*/,
                      void* /*data*/,
                      void* /*context*/) {
  constexpr int kBadOption = -45;  // PCRE2_ERROR_JIT_BADOPTION
  return kBadOption;
}
}

// mbed TLS (2.28): the server's half of a handshake, and the certificates of its self test. The
// client in modules/sdk/tls.cpp reaches neither.
extern "C" {
int mbedtls_ssl_handshake_server_step(void* /*session*/) {
  constexpr int kUnavailable = -0x7080;  // MBEDTLS_ERR_SSL_FEATURE_UNAVAILABLE
  return kUnavailable;
}
extern const char mbedtls_test_ca_crt[];
extern const std::size_t mbedtls_test_ca_crt_len;
extern const char mbedtls_test_cli_crt[];
extern const std::size_t mbedtls_test_cli_crt_len;
const char mbedtls_test_ca_crt[] = "";
const std::size_t mbedtls_test_ca_crt_len = sizeof mbedtls_test_ca_crt;
const char mbedtls_test_cli_crt[] = "";
const std::size_t mbedtls_test_cli_crt_len = sizeof mbedtls_test_cli_crt;
}

// zstd (1.5.4): every way to pack but the fastest, which is the only one core/wire/packing.cpp asks
// for (270 KiB). What packing at that level calls on its way answers with nothing; the rest is
// never reached.
extern "C" {
[[noreturn]] static void never_packed_so() { std::abort(); }
std::size_t ZSTD_ldm_adjustParameters() { return 0; }
std::size_t ZSTD_ldm_getMaxNbSeq() { return 0; }
std::size_t ZSTD_ldm_getTableSize() { return 0; }
std::size_t ZSTD_ldm_skipRawSeqStoreBytes() { return 0; }
std::size_t ZSTD_ldm_skipSequences() { return 0; }
std::size_t ZSTDMT_freeCCtx() { return 0; }
std::size_t ZSTDMT_sizeof_CCtx() { return 0; }
#define GS_LEFT_OUT(name) \
  void name() { never_packed_so(); }
GS_LEFT_OUT(ZSTD_compressBlock_btlazy2)
GS_LEFT_OUT(ZSTD_compressBlock_btlazy2_dictMatchState)
GS_LEFT_OUT(ZSTD_compressBlock_btlazy2_extDict)
GS_LEFT_OUT(ZSTD_compressBlock_greedy)
GS_LEFT_OUT(ZSTD_compressBlock_greedy_dedicatedDictSearch)
GS_LEFT_OUT(ZSTD_compressBlock_greedy_dedicatedDictSearch_row)
GS_LEFT_OUT(ZSTD_compressBlock_greedy_dictMatchState)
GS_LEFT_OUT(ZSTD_compressBlock_greedy_dictMatchState_row)
GS_LEFT_OUT(ZSTD_compressBlock_greedy_extDict)
GS_LEFT_OUT(ZSTD_compressBlock_greedy_extDict_row)
GS_LEFT_OUT(ZSTD_compressBlock_greedy_row)
GS_LEFT_OUT(ZSTD_compressBlock_lazy)
GS_LEFT_OUT(ZSTD_compressBlock_lazy2)
GS_LEFT_OUT(ZSTD_compressBlock_lazy2_dedicatedDictSearch)
GS_LEFT_OUT(ZSTD_compressBlock_lazy2_dedicatedDictSearch_row)
GS_LEFT_OUT(ZSTD_compressBlock_lazy2_dictMatchState)
GS_LEFT_OUT(ZSTD_compressBlock_lazy2_dictMatchState_row)
GS_LEFT_OUT(ZSTD_compressBlock_lazy2_extDict)
GS_LEFT_OUT(ZSTD_compressBlock_lazy2_extDict_row)
GS_LEFT_OUT(ZSTD_compressBlock_lazy2_row)
GS_LEFT_OUT(ZSTD_compressBlock_lazy_dedicatedDictSearch)
GS_LEFT_OUT(ZSTD_compressBlock_lazy_dedicatedDictSearch_row)
GS_LEFT_OUT(ZSTD_compressBlock_lazy_dictMatchState)
GS_LEFT_OUT(ZSTD_compressBlock_lazy_dictMatchState_row)
GS_LEFT_OUT(ZSTD_compressBlock_lazy_extDict)
GS_LEFT_OUT(ZSTD_compressBlock_lazy_extDict_row)
GS_LEFT_OUT(ZSTD_compressBlock_lazy_row)
GS_LEFT_OUT(ZSTD_compressBlock_btopt)
GS_LEFT_OUT(ZSTD_compressBlock_btopt_dictMatchState)
GS_LEFT_OUT(ZSTD_compressBlock_btopt_extDict)
GS_LEFT_OUT(ZSTD_compressBlock_btultra)
GS_LEFT_OUT(ZSTD_compressBlock_btultra2)
GS_LEFT_OUT(ZSTD_compressBlock_btultra_dictMatchState)
GS_LEFT_OUT(ZSTD_compressBlock_btultra_extDict)
GS_LEFT_OUT(ZSTD_compressBlock_doubleFast)
GS_LEFT_OUT(ZSTD_compressBlock_doubleFast_dictMatchState)
GS_LEFT_OUT(ZSTD_compressBlock_doubleFast_extDict)
GS_LEFT_OUT(ZSTD_compressSuperBlock)
GS_LEFT_OUT(ZSTD_dedicatedDictSearch_lazy_loadDictionary)
GS_LEFT_OUT(ZSTD_insertAndFindFirstIndex)
GS_LEFT_OUT(ZSTD_row_update)
GS_LEFT_OUT(ZSTD_updateTree)
GS_LEFT_OUT(ZSTD_fillDoubleHashTable)
GS_LEFT_OUT(ZSTD_ldm_blockCompress)
GS_LEFT_OUT(ZSTD_ldm_fillHashTable)
GS_LEFT_OUT(ZSTD_ldm_generateSequences)
GS_LEFT_OUT(ZSTDMT_compressStream_generic)
GS_LEFT_OUT(ZSTDMT_createCCtx_advanced)
GS_LEFT_OUT(ZSTDMT_getFrameProgression)
GS_LEFT_OUT(ZSTDMT_initCStream_internal)
GS_LEFT_OUT(ZSTDMT_nextInputSizeHint)
GS_LEFT_OUT(ZSTDMT_toFlushNow)
GS_LEFT_OUT(ZSTDMT_updateCParams_whileCompressing)
#undef GS_LEFT_OUT
}

// zstd's readers of what its versions 0.5 to 0.7 packed (2016): frames come from the controller,
// which packs as 1.x does. A frame of theirs is damage, and is told so.
extern "C" {
static std::size_t damaged_frame() {
  constexpr std::size_t kPrefixUnknown = 10;  // ZSTD_error_prefix_unknown
  return 0 - kPrefixUnknown;
}
#define GS_LEFT_OUT(version)                                                          \
  void* ZSTD##version##_createDCtx() { return nullptr; }                              \
  std::size_t ZSTD##version##_freeDCtx() { return 0; }                                \
  std::size_t ZSTD##version##_decompress_usingDict() { return damaged_frame(); }      \
  std::size_t ZSTD##version##_getFrameParams() { return damaged_frame(); }            \
  void ZSTD##version##_findFrameSizeInfoLegacy(const void* /*source*/,                \
                                               std::size_t /*size*/,                  \
                                               std::size_t* packed,                   \
                                               unsigned long long* unpacked) {        \
    *packed = damaged_frame();                                                        \
    *unpacked = 0ULL - 2; /* ZSTD_CONTENTSIZE_ERROR */                                \
  }                                                                                   \
  void* ZBUFF##version##_createDCtx() { return nullptr; }                             \
  std::size_t ZBUFF##version##_freeDCtx() { return 0; }                               \
  std::size_t ZBUFF##version##_decompressInitDictionary() { return damaged_frame(); } \
  std::size_t ZBUFF##version##_decompressContinue() { return damaged_frame(); }
GS_LEFT_OUT(v05)
GS_LEFT_OUT(v06)
GS_LEFT_OUT(v07)
#undef GS_LEFT_OUT
}

// pugixml (1.13): reading from and writing to streams of the standard library, which are 300 KiB
// with their locales. Documents are texts here.
extern "C" {
[[noreturn]] static void never_streamed() { std::abort(); }
#define GS_LEFT_OUT(name) \
  void name() { never_streamed(); }
GS_LEFT_OUT(_ZNSi4readEPcl)
GS_LEFT_OUT(_ZNSi5seekgESt4fposI11__mbstate_tE)
GS_LEFT_OUT(_ZNSi5seekgElSt12_Ios_Seekdir)
GS_LEFT_OUT(_ZNSi5tellgEv)
GS_LEFT_OUT(_ZNSo5writeEPKcl)
GS_LEFT_OUT(_ZNSt13basic_istreamIwSt11char_traitsIwEE4readEPwl)
GS_LEFT_OUT(_ZNSt13basic_istreamIwSt11char_traitsIwEE5seekgESt4fposI11__mbstate_tE)
GS_LEFT_OUT(_ZNSt13basic_istreamIwSt11char_traitsIwEE5seekgElSt12_Ios_Seekdir)
GS_LEFT_OUT(_ZNSt13basic_istreamIwSt11char_traitsIwEE5tellgEv)
GS_LEFT_OUT(_ZNSt13basic_ostreamIwSt11char_traitsIwEE5writeEPKwl)
GS_LEFT_OUT(_ZNSt9basic_iosIcSt11char_traitsIcEE5clearESt12_Ios_Iostate)
GS_LEFT_OUT(_ZNSt9basic_iosIwSt11char_traitsIwEE5clearESt12_Ios_Iostate)
#undef GS_LEFT_OUT
}

// Names of services, which c-ares looks up for callers that ask by name; ours ask by number. The
// real ones load shared libraries (NSS), which a static program must not.
extern "C" {
servent* getservbyname(const char* /*name*/, const char* /*protocol*/) { return nullptr; }
int getservbyport_r(int /*port*/,
                    const char* /*protocol*/,
                    servent* /*entry*/,
                    char* /*buffer*/,
                    std::size_t /*size*/,
                    servent** result) {
  *result = nullptr;
  return ENOENT;
}
}

// Messages of the C library in other languages: the program sets no locale, so they are as written.
extern "C" {
char* __dcgettext(const char* /*domain*/, const char* text, int /*category*/) {
  return const_cast<char*>(text);
}
char* dcgettext(const char* domain, const char* text, int category) {
  return __dcgettext(domain, text, category);
}
}

// libstdc++ names the type of an exception that nobody catches, and for that brings a parser of
// mangled names.
namespace __gnu_cxx {

[[noreturn]] void __verbose_terminate_handler() {
  constexpr std::string_view kText = "gpustack-runner: an exception was not caught\n";
  // The program ends in any case.
  (void)!::write(STDERR_FILENO, kText.data(), kText.size());
  std::abort();
}

}  // namespace __gnu_cxx

// NOLINTEND(readability-identifier-naming,bugprone-reserved-identifier)
