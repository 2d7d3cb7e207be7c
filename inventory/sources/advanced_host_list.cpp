#include "inventory/address.hpp"
#include "inventory/sources/source.hpp"
#include "inventory/text.hpp"

namespace gpustack::inventory {

namespace {

/// `web[01:20],db:22`: names, with ranges. A range that is not one is part of the name.
/// @source ansible-core 2.14, plugins/inventory/advanced_host_list.py
Result<void> read_advanced_host_list(SourceContext& context, OpenedSource& source) {
  for (const std::string_view piece : split(source.name(), ',')) {
    const std::string_view written = trimmed(piece);
    if (written.empty()) continue;
    auto entry = expand_host_entry(written, {});
    if (!entry && entry.error().code() == ErrorCode::host_pattern) return std::move(entry).error();
    if (!entry) {
      context.notes.push_back(Note{
          3,
          "Unable to parse address from hostname, leaving unchanged: " + entry.error().message()});
      entry = HostEntry{{std::string(written)}, std::nullopt};
    }
    for (const std::string& name : entry->names) {
      if (context.data.find_host(name) != nullptr) continue;
      GS_TRY(Host* const host, context.data.add_host(name, entry->port, {}));
      context.data.put_into(*host, context.data.ungrouped());
    }
  }
  return {};
}

}  // namespace

const SourceKind kAdvancedHostListKind{
    .name = "advanced_host_list",
    .wants = [](OpenedSource& source) { return source.is_host_list(); },
    .read = read_advanced_host_list};

}  // namespace gpustack::inventory
