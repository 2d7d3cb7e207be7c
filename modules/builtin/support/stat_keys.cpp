#include "modules/builtin/support/stat_keys.hpp"

#include <array>
#include <cstdio>

namespace gpustack::modules {

namespace {

struct Flag {
  char letter;
  std::string_view name;
};
constexpr std::array kFlags = {
    Flag{'A', "noatime"},       Flag{'a', "append"},
    Flag{'c', "compressed"},    Flag{'C', "nocow"},
    Flag{'d', "nodump"},        Flag{'D', "dirsync"},
    Flag{'e', "extents"},       Flag{'E', "encrypted"},
    Flag{'h', "blocksize"},     Flag{'i', "immutable"},
    Flag{'I', "indexed"},       Flag{'j', "journalled"},
    Flag{'N', "inline"},        Flag{'s', "zero"},
    Flag{'S', "synchronous"},   Flag{'t', "notail"},
    Flag{'T', "blockroot"},     Flag{'u', "undelete"},
    Flag{'X', "compressedraw"}, Flag{'Z', "compresseddirty"},
};

struct Bit {
  std::string_view name;
  std::uint32_t mask;
};
constexpr std::array kBits = {
    Bit{"wusr", 0200},
    Bit{"rusr", 0400},
    Bit{"xusr", 0100},
    Bit{"wgrp", 0020},
    Bit{"rgrp", 0040},
    Bit{"xgrp", 0010},
    Bit{"woth", 0002},
    Bit{"roth", 0004},
    Bit{"xoth", 0001},
    Bit{"isuid", 04000},
    Bit{"isgid", 02000},
};

}  // namespace

std::string four_digits(std::uint32_t mode) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%04o", mode & 07777U);
  return text.data();
}

double epoch_seconds(std::chrono::nanoseconds time) {
  // Python adds the parts in this order, which decides the last digit.
  const auto whole = std::chrono::duration_cast<std::chrono::seconds>(time);
  return static_cast<double>(whole.count()) + 1e-9 * static_cast<double>((time - whole).count());
}

Value attribute_names(std::string_view flags) {
  List names;
  for (const char letter : flags) {
    for (const Flag& flag : kFlags) {
      if (flag.letter == letter) names.emplace_back(flag.name);
    }
  }
  return Value(std::move(names));
}

Value stat_keys(const FileInfo& info) {
  Value keys = Value::map({
      {"mode", Value(four_digits(info.mode))},
      {"isdir", Value(info.kind == FileKind::directory)},
      {"ischr", Value(info.kind == FileKind::character)},
      {"isblk", Value(info.kind == FileKind::block)},
      {"isreg", Value(info.kind == FileKind::regular)},
      {"isfifo", Value(info.kind == FileKind::fifo)},
      {"islnk", Value(info.kind == FileKind::symlink)},
      {"issock", Value(info.kind == FileKind::socket)},
      {"uid", Value(info.uid)},
      {"gid", Value(info.gid)},
      {"size", Value(info.size)},
      {"inode", Value(info.inode)},
      {"dev", Value(info.device)},
      {"nlink", Value(info.links)},
      {"atime", Value(epoch_seconds(info.accessed))},
      {"mtime", Value(epoch_seconds(info.modified))},
      {"ctime", Value(epoch_seconds(info.changed))},
  });
  for (const Bit& bit : kBits) keys.set(bit.name, Value((info.mode & bit.mask) != 0));
  return keys;
}

}  // namespace gpustack::modules
