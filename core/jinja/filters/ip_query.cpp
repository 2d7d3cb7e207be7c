#include "core/jinja/filters/ip_query.hpp"

#include "core/jinja/number.hpp"

#include <string_view>

namespace gpustack::jinja {

namespace {

Value number_value(IpNumber number) {
  if (number <= static_cast<IpNumber>(INT64_MAX)) return Value(static_cast<std::int64_t>(number));
  return Value(decimal(number));
}

bool in(const IpNetwork& ip, std::string_view network) { return parse_ip(network)->holds(ip); }

bool is_private(const IpNetwork& ip) {
  return ip.version == 4
             ? in(ip, "10.0.0.0/8") || in(ip, "172.16.0.0/12") || in(ip, "192.168.0.0/16") ||
                   in(ip, "100.64.0.0/10") || in(ip, "192.0.0.0/24") || in(ip, "198.18.0.0/15")
             : in(ip, "fc00::/7") || in(ip, "fec0::/10");
}
bool is_loopback(const IpNetwork& ip) {
  return in(ip, ip.version == 4 ? "127.0.0.0/8" : "::1/128");
}
bool is_link_local(const IpNetwork& ip) {
  return in(ip, ip.version == 4 ? "169.254.0.0/16" : "fe80::/10");
}
bool is_multicast(const IpNetwork& ip) {
  return in(ip, ip.version == 4 ? "224.0.0.0/4" : "ff00::/8");
}
bool is_reserved(const IpNetwork& ip) {
  return ip.version == 4 && (in(ip, "240.0.0.0/4") || in(ip, "0.0.0.0/8"));
}

bool is_unicast(const IpNetwork& ip) { return !is_multicast(ip); }
bool is_public(const IpNetwork& ip) {
  return !is_private(ip) && !is_loopback(ip) && !is_link_local(ip) && !is_multicast(ip) &&
         !is_reserved(ip);
}

std::string reverse_name(const IpNetwork& ip) {
  std::string out;
  if (ip.version == 4) {
    for (unsigned shift = 0; shift < 32; shift += 8)
      out += decimal((ip.address >> shift) & 0xFFU) + ".";
    return out + "in-addr.arpa.";
  }
  for (unsigned shift = 0; shift < 128; shift += 4) {
    out += "0123456789abcdef"[static_cast<std::size_t>((ip.address >> shift) & 0xFU)];
    out += '.';
  }
  return out + "ip6.arpa.";
}

std::string plain(const IpNetwork& ip) {
  return ip.has_prefix ? ip.with_prefix(ip.address) : ip.text_of(ip.address);
}

/// One address that is asked about, and what the answers look at most.
struct Question {
  Invocation& call;
  const IpNetwork& ip;
  const std::string& text;  ///< the address as it was written
  bool is_single;           ///< one address
  bool is_large;            ///< more than two addresses: the first and the last are no hosts

  [[nodiscard]] bool is_network_address() const { return !is_single && ip.address == ip.network(); }
  [[nodiscard]] Value text_if(bool holds) const { return holds ? Value(text) : Value(false); }
};

IpNumber netmask(const IpNetwork& ip) {
  return ~ip.host_mask() & (ip.version == 4 ? IpNumber{0xFFFFFFFFU} : ~IpNumber{0});
}

Result<Value> plain_address(const Question& asked) { return Value(plain(asked.ip)); }

Result<Value> is_address(const Question& /*asked*/) { return Value(true); }

Result<Value> address(const Question& asked) {
  if (asked.is_large && asked.is_network_address()) return Value();
  return Value(asked.ip.text_of(asked.ip.address));
}

Result<Value> address_with_prefix(const Question& asked) {
  const IpNetwork& ip = asked.ip;
  if (asked.is_large && (ip.address == ip.network() || ip.address == ip.last()))
    return Value(false);
  return Value(ip.with_prefix(ip.address));
}

Result<Value> address_and_netmask(const Question& asked) {
  const IpNetwork& ip = asked.ip;
  return Value(ip.text_of(ip.address) + " " + ip.text_of(netmask(ip)));
}

Result<Value> network_and_netmask(const Question& asked) {
  const IpNetwork& ip = asked.ip;
  return Value(ip.text_of(ip.network()) + " " + ip.text_of(netmask(ip)));
}

Result<Value> host(const Question& asked) {
  if (asked.is_network_address()) return Value();
  return Value(asked.ip.with_prefix(asked.ip.address));
}

Result<Value> gateway(const Question& asked) {
  return asked.is_single ? Result<Value>(Value()) : host(asked);
}

Result<Value> network_only(const Question& asked) {
  if (!asked.is_network_address()) return Value();
  return Value(asked.ip.with_prefix(asked.ip.network()));
}

Result<Value> network_id(const Question& asked) {
  return Value(asked.ip.text_of(asked.ip.network()));
}

Result<Value> network(const Question& asked) {
  return asked.is_single ? Result<Value>(Value()) : network_id(asked);
}

Result<Value> network_with_prefix(const Question& asked) {
  return Value(asked.ip.with_prefix(asked.ip.network()));
}

Result<Value> cidr(const Question& asked) { return Value(asked.ip.with_prefix(asked.ip.address)); }

Result<Value> prefix(const Question& asked) { return Value(asked.ip.prefix); }

Result<Value> size(const Question& asked) {
  if (asked.ip.size() == 0) return Value("340282366920938463463374607431768211456");
  return number_value(asked.ip.size());
}

Result<Value> netmask_text(const Question& asked) {
  return Value(asked.ip.text_of(netmask(asked.ip)));
}

Result<Value> hostmask_text(const Question& asked) {
  return Value(asked.ip.text_of(asked.ip.host_mask()));
}

Result<Value> broadcast(const Question& asked) {
  return asked.is_large ? Value(asked.ip.text_of(asked.ip.last())) : Value();
}

Result<Value> ip_version(const Question& asked) { return Value(asked.ip.version); }

Result<Value> type(const Question& asked) {
  return Value(asked.is_network_address() ? "network" : "address");
}

template <int version>
Result<Value> plain_if_version(const Question& asked) {
  return asked.ip.version == version ? Value(plain(asked.ip)) : Value(false);
}

Result<Value> as_integer(const Question& asked) {
  const IpNetwork& ip = asked.ip;
  if (!ip.has_prefix) return number_value(ip.address);
  return Value(decimal(ip.address) + "/" + std::to_string(ip.prefix));
}

Result<Value> reverse_dns(const Question& asked) { return Value(reverse_name(asked.ip)); }

/// The address as written when it is in the kind of range that the predicate knows.
template <bool (*is_in_range)(const IpNetwork&)>
Result<Value> text_if_in(const Question& asked) {
  return asked.text_if(is_in_range(asked.ip));
}

Result<Value> wrapped(const Question& asked) {
  const IpNetwork& ip = asked.ip;
  if (ip.version == 4) return Value(asked.text);
  return Value("[" + ip.text_of(ip.address) + "]" +
               (ip.has_prefix ? "/" + std::to_string(ip.prefix) : ""));
}

IpNumber first_host(const Question& asked) {
  return asked.is_large ? asked.ip.network() + 1 : asked.ip.network();
}

IpNumber last_host(const Question& asked) {
  return asked.is_large ? asked.ip.last() - 1 : asked.ip.last();
}

Result<Value> first_usable(const Question& asked) {
  return Value(asked.ip.text_of(first_host(asked)));
}

Result<Value> last_usable(const Question& asked) {
  return Value(asked.ip.text_of(last_host(asked)));
}

Result<Value> range_usable(const Question& asked) {
  const IpNetwork& ip = asked.ip;
  return Value(ip.text_of(first_host(asked)) + "-" + ip.text_of(last_host(asked)));
}

Result<Value> next_usable(const Question& asked) {
  const IpNetwork& ip = asked.ip;
  const bool exists = ip.address + 1 >= first_host(asked) && ip.address < last_host(asked);
  return exists ? Value(ip.text_of(ip.address + 1)) : Value();
}

Result<Value> previous_usable(const Question& asked) {
  const IpNetwork& ip = asked.ip;
  const bool exists = ip.address > first_host(asked) && ip.address - 1 <= last_host(asked);
  return exists ? Value(ip.text_of(ip.address - 1)) : Value();
}

Result<Value> peer(const Question& asked) {
  const IpNetwork& ip = asked.ip;
  const int host_bits = ip.width() - ip.prefix;
  if (host_bits == 1) return Value(ip.text_of(ip.address ^ 1U));
  if (host_bits == 2)
    return Value(ip.text_of(ip.address % 4 == 1 ? ip.address + 1 : ip.address - 1));
  return asked.call.fail("'peer' needs a point-to-point network, found '" + asked.text + "'");
}

/// The address at a place in the network; negative places count from its end.
Result<Value> address_at(const Question& asked, std::int64_t index) {
  const IpNetwork& ip = asked.ip;
  if (asked.is_single) return Value(plain(ip));
  const IpNumber at = index >= 0 ? ip.network() + static_cast<IpNumber>(index)
                                 : ip.last() - static_cast<IpNumber>(-index - 1);
  return at >= ip.network() && at <= ip.last() ? Value(ip.with_prefix(at)) : Value(false);
}

struct QueryRow {
  std::string_view name;
  Result<Value> (*answer)(const Question&);
};

constexpr QueryRow kQueries[] = {
    {"", plain_address},
    {"bool", is_address},
    {"address", address},
    {"ip", address},
    {"address/prefix", address_with_prefix},
    {"ip/prefix", address_with_prefix},
    {"address_prefix", address_with_prefix},
    {"ip_netmask", address_and_netmask},
    {"network_netmask", network_and_netmask},
    {"host", host},
    {"hostnet", host},
    {"host/prefix", host},
    {"host_prefix", host},
    {"gateway", gateway},
    {"gw", gateway},
    {"router", gateway},
    {"net", network_only},
    {"network", network},
    {"network_id", network_id},
    {"network/prefix", network_with_prefix},
    {"subnet", network_with_prefix},
    {"network_prefix", network_with_prefix},
    {"cidr_network", network_with_prefix},
    {"cidr", cidr},
    {"prefix", prefix},
    {"size", size},
    {"netmask", netmask_text},
    {"hostmask", hostmask_text},
    {"wildcard", hostmask_text},
    {"broadcast", broadcast},
    {"version", ip_version},
    {"type", type},
    {"ipv4", plain_if_version<4>},
    {"ipv6", plain_if_version<6>},
    {"int", as_integer},
    {"revdns", reverse_dns},
    {"private", text_if_in<is_private>},
    {"public", text_if_in<is_public>},
    {"loopback", text_if_in<is_loopback>},
    {"link-local", text_if_in<is_link_local>},
    {"lladdr", text_if_in<is_link_local>},
    {"multicast", text_if_in<is_multicast>},
    {"unicast", text_if_in<is_unicast>},
    {"reserved", text_if_in<is_reserved>},
    {"wrap", wrapped},
    {"first_usable", first_usable},
    {"last_usable", last_usable},
    {"range_usable", range_usable},
    {"next_usable", next_usable},
    {"previous_usable", previous_usable},
    {"peer", peer},
};

}  // namespace

Result<Value> answer_query(Invocation& call,
                           const IpNetwork& ip,
                           const std::string& query,
                           const std::string& text) {
  const bool is_single = ip.is_single();
  const bool is_large = !is_single && ip.width() - ip.prefix > 1;
  const Question asked{call, ip, text, is_single, is_large};
  if (query.ends_with("_usable") && (!ip.has_prefix || is_single)) return Value(false);
  for (const QueryRow& row : kQueries) {
    if (row.name == query) return row.answer(asked);
  }
  if (const auto index = parse_integer(query)) return address_at(asked, *index);
  if (const auto outer = parse_ip(query)) return asked.text_if(outer->holds(ip));
  return call.fail("has no query '" + query + "'");
}

}  // namespace gpustack::jinja
