// L4T releases and the JetPack that carries each.
// Sources: NVIDIA's Jetson Linux and JetPack archive pages; release stamps of public boards.

#include "modules/builtin/support/platform/tables.hpp"

#include <array>
#include <charconv>

namespace gpustack::modules::platform {
namespace {

struct Row {
  std::string_view l4t;
  std::string_view jetpack;
  std::string_view cuda;
};

constexpr Row kReleases[] = {
    {"39.2.1", "7.2.1", "13.2"}, {"39.2.0", "7.2", "13.2"},   {"38.4.0", "7.1", "13.0"},
    {"38.2.2", "7.0", "13.0"},   {"38.2.1", "7.0", "13.0"},   {"38.2.0", "7.0", "13.0"},
    {"36.5.0", "6.2.2", "12.6"}, {"36.4.7", "6.2.1", "12.6"}, {"36.4.4", "6.2.1", "12.6"},
    {"36.4.3", "6.2", "12.6"},   {"36.4.2", "6.1", "12.6"},   {"36.4.0", "6.1", "12.6"},
    {"36.3.0", "6.0", "12.4"},   {"36.2.0", "6.0", "12.2"},   {"35.6.4", "5.1.6", "11.4"},
    {"35.6.3", "5.1.5", "11.4"}, {"35.6.2", "5.1.5", "11.4"}, {"35.6.1", "5.1.5", "11.4"},
    {"35.6.0", "5.1.4", "11.4"}, {"35.5.0", "5.1.3", "11.4"}, {"35.4.1", "5.1.2", "11.4"},
    {"35.3.1", "5.1.1", "11.4"}, {"35.2.1", "5.1", "11.4"},   {"35.1.0", "5.0.2", "11.4"},
    {"34.1.1", "5.0.1", "11.4"}, {"34.1.0", "5.0", "11.4"},   {"32.7.6", "4.6.6", "10.2"},
    {"32.7.5", "4.6.5", "10.2"}, {"32.7.4", "4.6.4", "10.2"}, {"32.7.3", "4.6.3", "10.2"},
    {"32.7.2", "4.6.2", "10.2"}, {"32.7.1", "4.6.1", "10.2"}, {"32.6.1", "4.6", "10.2"},
    {"32.5.2", "4.5.1", "10.2"}, {"32.5.1", "4.5.1", "10.2"}, {"32.5.0", "4.5", "10.2"},
    {"32.4.4", "4.4.1", "10.2"}, {"32.4.3", "4.4", "10.2"},   {"32.3.1", "4.3", "10.0"},
    {"32.2.1", "4.2.2", "10.0"}, {"32.2.0", "4.2.1", "10.0"}, {"32.1.0", "4.2", "10.0"},
};

/// JetPack's major release by L4T's, for releases that are newer than this table.
std::string_view jetpack_line(int l4t_major) {
  switch (l4t_major) {
    case 32:
      return "4.x";
    case 34:
    case 35:
      return "5.x";
    case 36:
      return "6.x";
    case 38:
    case 39:
      return "7.x";
    default:
      return "unknown";
  }
}

struct Branch {
  int branch;
  std::string_view cuda;
};
// Source: CUDA Toolkit release notes, table of driver versions.
constexpr Branch kBranches[] = {
    {590, "13.1"}, {580, "13.0"}, {575, "12.9"}, {570, "12.8"}, {565, "12.7"}, {560, "12.6"},
    {555, "12.5"}, {550, "12.4"}, {545, "12.3"}, {535, "12.2"}, {530, "12.1"}, {525, "12.0"},
    {520, "11.8"}, {515, "11.7"}, {510, "11.6"}, {495, "11.5"}, {470, "11.4"}, {465, "11.3"},
    {460, "11.2"}, {455, "11.1"}, {450, "11.0"},
};

int major_of(std::string_view version) {
  int major = 0;
  std::from_chars(version.data(), version.data() + version.size(), major);
  return major;
}

}  // namespace

JetpackRelease jetpack_of(std::string_view l4t) {
  for (const Row& row : kReleases) {
    if (row.l4t == l4t) return {std::string(row.jetpack), true, std::string(row.cuda)};
  }
  const std::string_view line = jetpack_line(major_of(l4t));
  return {std::string(line), false, {}};
}

std::string_view cuda_of_driver(std::string_view driver) {
  const int branch = major_of(driver);
  for (const Branch& each : kBranches) {
    if (branch == each.branch) return each.cuda;
  }
  return {};
}

std::string cuda_architecture(std::string_view sm) {
  std::string digits;
  for (const char letter : sm) {
    if (letter != '.') digits += letter;
  }
  return digits == "121" ? "121-real" : digits;
}

}  // namespace gpustack::modules::platform
