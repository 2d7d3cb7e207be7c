#include "inventory/address.hpp"
#include "inventory/sources/source.hpp"
#include "inventory/text.hpp"

namespace gpustack::inventory {

Result<void> read_host_list(SourceContext& context, const std::string& text) {
  for (const std::string_view piece : split(text, ',')) {
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

}  // namespace gpustack::inventory
