#include "core/gpu/device_matrix.hpp"

#include <algorithm>

namespace gpustack::gpu {

namespace {

/// @source Bytebot Hawkeye, ARM64 architecture guide, "Device Selection Matrix" (labels, seconds)
constexpr DeviceRow kRows[] = {
    {"DGX Spark, driver loaded", "cuda", "docker", "dgx_spark", "0.8-1.5"},
    {"Grace and other ARM servers with an NVIDIA GPU", "cuda", "docker", "dgx_spark", ""},
    {"Jetson", "cuda", "docker", "dgx_spark", ""},
    {"macOS on Apple's processors", "mps", "native", "apple_silicon", "1-2"},
    {"macOS, inside a container", "cpu", "docker", "apple_silicon", "8-15"},
    {"ARM without a GPU that works", "cpu", "docker", "arm64_generic", "8-15"},
    {"boards (Mali, V3D, Adreno, Asahi)", "cpu", "docker", "arm64_generic", "8-15"},
    {"x86_64 with an NVIDIA GPU", "cuda", "docker", "", "0.6"},
    {"x86_64 with an AMD GPU", "rocm", "docker", "", ""},
    {"x86_64 with an Intel GPU", "xpu", "docker", "", ""},
    {"x86_64 without a GPU that works", "cpu", "docker", "", ""},
};

std::string cell(std::string_view text, std::size_t width) {
  std::string out(text.empty() ? "-" : text);
  out.resize(std::max(width, out.size() + 1), ' ');
  return out;
}

}  // namespace

std::span<const DeviceRow> device_rows() { return kRows; }

std::string device_table() {
  std::size_t width = 0;
  for (const DeviceRow& row : kRows) width = std::max(width, row.situation.size() + 2);
  const auto line = [&](const DeviceRow& row) {
    std::string out = cell(row.situation, width);
    out += cell(row.backend, 10) + cell(row.deployment, 12) + cell(row.label, 16);
    return out + (row.seconds.empty() ? "-" : std::string(row.seconds)) + "\n";
  };
  std::string out = line({"Host", "Backend", "Deployment", "Label", "Seconds"});
  for (const DeviceRow& row : kRows) out += line(row);
  return out;
}

Value device_data() {
  List rows;
  for (const DeviceRow& row : kRows) {
    rows.push_back(Value::map({{"host", row.situation},
                               {"backend", row.backend},
                               {"deployment", row.deployment},
                               {"label", row.label},
                               {"seconds", row.seconds}}));
  }
  return Value(std::move(rows));
}

}  // namespace gpustack::gpu
