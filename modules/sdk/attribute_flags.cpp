#include "modules/sdk/attribute_flags.hpp"

#include <linux/fs.h>

#include <array>

namespace gpustack::modules {

namespace {

struct Letter {
  char letter;
  std::uint32_t bit;
  bool settable;
};
// @source e2fsprogs lsattr(1) and chattr(1); bits from linux/fs.h
constexpr std::array kLetters = {
    Letter{'s', FS_SECRM_FL, true},        Letter{'u', FS_UNRM_FL, true},
    Letter{'S', FS_SYNC_FL, true},         Letter{'D', FS_DIRSYNC_FL, true},
    Letter{'i', FS_IMMUTABLE_FL, true},    Letter{'a', FS_APPEND_FL, true},
    Letter{'d', FS_NODUMP_FL, true},       Letter{'A', FS_NOATIME_FL, true},
    Letter{'c', FS_COMPR_FL, true},        Letter{'E', FS_ENCRYPT_FL, false},
    Letter{'j', FS_JOURNAL_DATA_FL, true}, Letter{'I', FS_INDEX_FL, false},
    Letter{'t', FS_NOTAIL_FL, true},       Letter{'T', FS_TOPDIR_FL, true},
    Letter{'e', FS_EXTENT_FL, true},       Letter{'C', FS_NOCOW_FL, true},
    Letter{'x', FS_DAX_FL, true},          Letter{'F', FS_CASEFOLD_FL, true},
    Letter{'N', FS_INLINE_DATA_FL, false}, Letter{'P', FS_PROJINHERIT_FL, true},
    Letter{'V', FS_VERITY_FL, false},      Letter{'m', FS_NOCOMP_FL, true},
};

}  // namespace

std::string attribute_letters(std::uint32_t bits) {
  std::string out;
  for (const Letter& entry : kLetters) {
    if ((bits & entry.bit) != 0) out += entry.letter;
  }
  return out;
}

Result<std::uint32_t> apply_attribute_text(std::uint32_t present, std::string_view text) {
  char operation = '=';
  if (!text.empty() && std::string_view("+-=").find(text[0]) != std::string_view::npos) {
    operation = text[0];
    text.remove_prefix(1);
  }
  std::uint32_t named = 0;
  for (const char letter : text) {
    const Letter* known = nullptr;
    for (const Letter& entry : kLetters) {
      if (entry.letter == letter) known = &entry;
    }
    if (known == nullptr) {
      return Error(
          ErrorCode::invalid_argument,
          std::string("unknown file attribute '") + letter + "' in '" + std::string(text) + "'");
    }
    named |= known->bit;
  }
  if (operation == '+') return present | named;
  if (operation == '-') return present & ~named;
  std::uint32_t fixed = 0;  // what the file system itself decides stays
  for (const Letter& entry : kLetters) {
    if (!entry.settable) fixed |= entry.bit;
  }
  return (present & fixed) | named;
}

}  // namespace gpustack::modules
