/// @file The parts of the C library (Debian 12, glibc 2.36) that a static program brings along and
/// never reaches: shared libraries, wide characters with their conversions, locales, the resolver.
/// As in left_out.cpp a name that is defined here is not taken from the library. What would be a
/// wrong answer if it were reached after all ends the program instead.

#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

// NOLINTBEGIN(readability-identifier-naming,bugprone-reserved-identifier): names of the library

extern "C" {

[[noreturn]] static void never_reached() {
  constexpr std::string_view kText = "gpustack-runner: a part of libc that was left out\n";
  (void)!::write(STDERR_FILENO, kText.data(), kText.size());  // the program ends in any case
  std::abort();
}
#define GS_NEVER(name) \
  void name() { never_reached(); }

// Shared libraries: a static program has none to load, and asks only to which of them an address
// belongs when a thread's variable gets a destructor. To none: it is the program's own.
void* _dl_find_dso_for_object(void* /*address*/) { return nullptr; }
void _dl_init_paths() {}
GS_NEVER(__nptl_change_stack_perm)  // a library with an executable stack came
GS_NEVER(_dl_protect_relro)         // without RELRO, see modules/runner/CMakeLists.txt

// Wide characters. No stream is switched to them and no text converted; the tables of a stream are
// named by every stream, and those of the C locale by its types of characters.
constexpr int kEntriesOfStreamTable = 21;
void* _IO_wfile_jumps[kEntriesOfStreamTable];
void* _IO_wfile_jumps_mmap[kEntriesOfStreamTable];
void* _IO_wfile_jumps_maybe_mmap[kEntriesOfStreamTable];
GS_NEVER(_IO_wdo_write)
GS_NEVER(_IO_free_wbackup_area)
GS_NEVER(_IO_wsetb)
GS_NEVER(_IO_wpadn)
GS_NEVER(__woverflow)
GS_NEVER(__wcrtomb)
GS_NEVER(__wcsrtombs)
GS_NEVER(__wctrans)
GS_NEVER(__towctrans)
GS_NEVER(__gconv_release_step)
GS_NEVER(__wcsmbs_named_conv)
int __gconv_lock;
struct {
  void* towc;
  std::size_t towc_steps;
  void* tomb;
  std::size_t tomb_steps;
} __wcsmbs_gconv_fcts_c = {};

// Locales: the lock of a change that nobody makes.
pthread_rwlock_t __libc_setlocale_lock = PTHREAD_RWLOCK_INITIALIZER;

// The resolver's state of a thread: names are looked up with c-ares.
__thread void* __libc_resp;

// Numbers as hexadecimal fractions (%a), which no format asks for.
int __printf_fphex(FILE* /*stream*/, const void* /*info*/, const void* const* /*arguments*/) {
  return -1;
}

// A fault in the library itself, without its wide characters.
void __assert_fail(const char* assertion,
                   const char* file,
                   unsigned /*line*/,
                   const char* /*function*/) noexcept {
  for (const char* part : {"gpustack-runner: ", file, ": not true: ", assertion, "\n"}) {
    (void)!::write(STDERR_FILENO, part, std::strlen(part));  // the program ends in any case
  }
  std::abort();
}

// Reading by format: the library does so only with the rules of time zones (tzset.c), whose formats
// are %hu, %n and letters that have to match.
int __isoc99_sscanf(const char* text, const char* format, ...) {
  va_list targets;
  va_start(targets, format);
  const char* at = text;
  int filled = 0;
  for (; *format != '\0'; ++format) {
    if (*format != '%') {
      if (*at != *format) break;
      ++at;
      continue;
    }
    ++format;
    if (*format == 'n') {
      *va_arg(targets, int*) = static_cast<int>(at - text);
      continue;
    }
    if (std::strncmp(format, "hu", 2) != 0) never_reached();
    ++format;
    char* end = nullptr;
    const auto number = std::strtoul(at, &end, 10);
    if (end == at) break;
    *va_arg(targets, unsigned short*) = static_cast<unsigned short>(number);
    at = end;
    ++filled;
  }
  va_end(targets);
  return filled == 0 && *text == '\0' ? EOF : filled;
}
#undef GS_NEVER
}

// NOLINTEND(readability-identifier-naming,bugprone-reserved-identifier)
