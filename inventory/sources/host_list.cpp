#include "inventory/address.hpp"
#include "inventory/sources/source.hpp"
#include "inventory/text.hpp"

namespace gpustack::inventory {

namespace {

/// `a,b,[::1]:22`: names without ranges.
Result<void> read_host_list(SourceContext& context, OpenedSource& source) {
  for (const std::string_view piece : split(source.name(), ',')) {
    const std::string_view name = trimmed(piece);
    if (name.empty()) continue;
    const auto address = parse_address(name, Ranges::refused);
    const std::string host(address ? address->host : std::string(name));
    if (context.data.find_host(host) != nullptr) continue;
    GS_TRY(Host* const added,
           context.data.add_host(host, address ? address->port : std::nullopt, {}));
    context.data.put_into(*added, context.data.ungrouped());
  }
  return {};
}

}  // namespace

const SourceKind kHostListKind{.name = "host_list",
                               .wants = [](OpenedSource& source) { return source.is_host_list(); },
                               .read = read_host_list};

}  // namespace gpustack::inventory
