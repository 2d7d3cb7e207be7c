// ansible.utils: ip, ipv4, ipv6, in_network, private, public, loopback, …
#include "core/jinja/ip.hpp"
#include "core/jinja/operators.hpp"
#include "core/jinja/render.hpp"
#include "core/jinja/tests/tables.hpp"

namespace gpustack::jinja {

namespace {

Result<std::optional<IpNetwork>> address(Invocation& call) {
  if (call.input.is_null() || call.input.is_bool() || call.input.is_list() || call.input.is_map())
    return std::optional<IpNetwork>();
  GS_TRY(const std::string text, call.input_text());
  return parse_ip(text);
}

template <int version, bool plain>
Result<bool> is_ip(Invocation& call) {
  GS_TRY(const auto ip, address(call));
  return ip && (version == 0 || ip->version == version) && (!plain || !ip->has_prefix);
}

/// Asks the ipaddr filter.
Result<bool> by_query(Invocation& call, const char* query) {
  GS_TRY(const auto ip, address(call));
  if (!ip) return false;
  GS_TRY(const Value answer,
         call.render.apply_filter(*find_filter("ipaddr"), call.input, {Value(query)}, {}));
  return answer.truthy();
}

Result<bool> is_private(Invocation& call) { return by_query(call, "private"); }
Result<bool> is_public(Invocation& call) { return by_query(call, "public"); }
Result<bool> is_loopback(Invocation& call) { return by_query(call, "loopback"); }
Result<bool> is_multicast(Invocation& call) { return by_query(call, "multicast"); }
Result<bool> is_reserved(Invocation& call) { return by_query(call, "reserved"); }

Result<bool> in_network(Invocation& call) {
  GS_TRY(const auto ip, address(call));
  GS_TRY(const std::string text, call.text(0));
  const auto network = parse_ip(text);
  if (!network) return call.fail("expected a network, found '" + text + "'");
  return ip && network->holds(*ip);
}

constexpr TestRow kRows[] = {
    {"ip", is_ip<0, false>},
    {"ip_address", is_ip<0, true>},
    {"ipv4", is_ip<4, false>},
    {"ipv4_address", is_ip<4, true>},
    {"ipv6", is_ip<6, false>},
    {"ipv6_address", is_ip<6, true>},
    {"private", is_private},
    {"public", is_public},
    {"loopback", is_loopback},
    {"multicast", is_multicast},
    {"reserved", is_reserved},
    {"in_network", in_network, "network!"},
    {"subnet_of", in_network, "network!"},
};

}  // namespace

TestTable network_tests() { return kRows; }

}  // namespace gpustack::jinja
