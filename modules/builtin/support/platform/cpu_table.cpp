// CPU cores by MIDR implementer and part.
// Sources: Arm's MIDR_EL1 registers as listed in util-linux's lscpu and in
// linux/arch/arm64/include/asm/cputype.h.

#include "modules/builtin/support/platform/tables.hpp"

namespace gpustack::modules::platform {
namespace {

struct Core {
  std::uint32_t implementer;
  std::uint32_t part;
  std::string_view name;
};

constexpr Core kCores[] = {
    {0x41, 0xd03, "Cortex-A53"},       {0x41, 0xd04, "Cortex-A35"},
    {0x41, 0xd05, "Cortex-A55"},       {0x41, 0xd07, "Cortex-A57"},
    {0x41, 0xd08, "Cortex-A72"},       {0x41, 0xd09, "Cortex-A73"},
    {0x41, 0xd0a, "Cortex-A75"},       {0x41, 0xd0b, "Cortex-A76"},
    {0x41, 0xd0c, "Neoverse-N1"},      {0x41, 0xd40, "Neoverse-V1"},
    {0x41, 0xd41, "Cortex-A78"},       {0x41, 0xd42, "Cortex-A78AE"},
    {0x41, 0xd49, "Neoverse-N2"},      {0x41, 0xd4f, "Neoverse-V2"},
    {0x41, 0xd80, "Cortex-A520"},      {0x41, 0xd81, "Cortex-A720"},
    {0x41, 0xd83, "Neoverse-V3AE"},    {0x41, 0xd84, "Neoverse-V3"},
    {0x41, 0xd85, "Cortex-X925"},      {0x41, 0xd87, "Cortex-A725"},
    {0x41, 0xd8e, "Neoverse-N3"},      {0x46, 0x001, "A64FX"},
    {0x4e, 0x003, "Denver 2"},         {0x4e, 0x004, "Carmel"},
    {0x4e, 0x010, "Olympus"},          {0x51, 0x001, "Oryon"},
    {0x61, 0x022, "Icestorm-M1"},      {0x61, 0x023, "Firestorm-M1"},
    {0x61, 0x024, "Icestorm-M1-Pro"},  {0x61, 0x025, "Firestorm-M1-Pro"},
    {0x61, 0x028, "Icestorm-M1-Max"},  {0x61, 0x029, "Firestorm-M1-Max"},
    {0x61, 0x032, "Blizzard-M2"},      {0x61, 0x033, "Avalanche-M2"},
    {0x61, 0x034, "Blizzard-M2-Pro"},  {0x61, 0x035, "Avalanche-M2-Pro"},
    {0x61, 0x038, "Blizzard-M2-Max"},  {0x61, 0x039, "Avalanche-M2-Max"},
    {0x6d, 0xd49, "Azure-Cobalt-100"}, {0xc0, 0xac3, "Ampere-1"},
    {0xc0, 0xac4, "Ampere-1a"},
};

}  // namespace

std::string_view cpu_core_name(std::uint32_t implementer, std::uint32_t part) {
  for (const Core& core : kCores) {
    if (core.implementer == implementer && core.part == part) return core.name;
  }
  return {};
}

}  // namespace gpustack::modules::platform
