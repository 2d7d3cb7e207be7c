// ipaddr, ipv4, ipv6, ipwrap, ipsubnet, ipmath, nthhost, network_in_network, network_in_usable,
// hwaddr
#include "core/jinja/filters/tables.hpp"
#include "core/jinja/ip.hpp"
#include "core/jinja/number.hpp"
#include "core/jinja/operators.hpp"
#include "core/jinja/render.hpp"
#include "core/jinja/text.hpp"

#include <algorithm>

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

/// What one query says about one address; false when it does not apply.
Result<Value> answer(Invocation& call,
                     const IpNetwork& ip,
                     const std::string& query,
                     const std::string& text) {
  const bool single = ip.is_single();
  const bool large = !single && ip.width() - ip.prefix > 1;  // more than two addresses
  const Value no(false);
  const auto value_if = [&](bool holds) { return holds ? Value(text) : no; };
  if (query.empty()) return Value(plain(ip));
  if (query == "bool") return Value(true);
  if (query == "address" || query == "ip") {
    return single || ip.address != ip.network() || !large ? Value(ip.text_of(ip.address)) : Value();
  }
  if (query == "address/prefix" || query == "ip/prefix" || query == "address_prefix") {
    if (large && (ip.address == ip.network() || ip.address == ip.last())) return no;
    return Value(ip.with_prefix(ip.address));
  }
  if (query == "ip_netmask" || query == "network_netmask") {
    IpNetwork mask = ip;
    const IpNumber number =
        ~ip.host_mask() & (ip.version == 4 ? IpNumber{0xFFFFFFFFU} : ~IpNumber{0});
    return Value(ip.text_of(query == "ip_netmask" ? ip.address : ip.network()) + " " +
                 mask.text_of(number));
  }
  if (query == "host" || query == "hostnet" || query == "host/prefix" || query == "gateway" ||
      query == "gw" || query == "router" || query == "host_prefix") {
    if (single)
      return query[0] == 'g' || query == "router" ? Value() : Value(ip.with_prefix(ip.address));
    return ip.address != ip.network() ? Value(ip.with_prefix(ip.address)) : Value();
  }
  if (query == "net")
    return !single && ip.address == ip.network() ? Value(ip.with_prefix(ip.network())) : Value();
  if (query == "network" || query == "network_id")
    return single && query == "network" ? Value() : Value(ip.text_of(ip.network()));
  if (query == "network/prefix" || query == "subnet" || query == "network_prefix" ||
      query == "cidr_network") {
    return Value(ip.with_prefix(ip.network()));
  }
  if (query == "cidr") return Value(ip.with_prefix(ip.address));
  if (query == "prefix") return Value(ip.prefix);
  if (query == "size")
    return ip.size() == 0 ? Value("340282366920938463463374607431768211456")
                          : number_value(ip.size());
  if (query == "netmask") {
    return Value(
        ip.text_of(~ip.host_mask() & (ip.version == 4 ? IpNumber{0xFFFFFFFFU} : ~IpNumber{0})));
  }
  if (query == "hostmask" || query == "wildcard") return Value(ip.text_of(ip.host_mask()));
  if (query == "broadcast") return large ? Value(ip.text_of(ip.last())) : Value();
  if (query == "version") return Value(ip.version);
  if (query == "type") return Value(single || ip.address != ip.network() ? "address" : "network");
  if (query == "ipv4") return ip.version == 4 ? Value(plain(ip)) : no;
  if (query == "ipv6") return ip.version == 6 ? Value(plain(ip)) : no;
  if (query == "int")
    return ip.has_prefix ? Value(decimal(ip.address) + "/" + std::to_string(ip.prefix))
                         : number_value(ip.address);
  if (query == "revdns") return Value(reverse_name(ip));
  if (query == "private") return value_if(is_private(ip));
  if (query == "public") {
    return value_if(!is_private(ip) && !is_loopback(ip) && !is_link_local(ip) &&
                    !is_multicast(ip) && !is_reserved(ip));
  }
  if (query == "loopback") return value_if(is_loopback(ip));
  if (query == "link-local" || query == "lladdr") return value_if(is_link_local(ip));
  if (query == "multicast") return value_if(is_multicast(ip));
  if (query == "unicast") return value_if(!is_multicast(ip));
  if (query == "reserved") return value_if(is_reserved(ip));
  if (query == "wrap") {
    if (ip.version == 4) return Value(text);
    return Value("[" + ip.text_of(ip.address) + "]" +
                 (ip.has_prefix ? "/" + std::to_string(ip.prefix) : ""));
  }
  if (query.ends_with("_usable")) {
    if (!ip.has_prefix || single) return no;
    const IpNumber first = large ? ip.network() + 1 : ip.network();
    const IpNumber last = large ? ip.last() - 1 : ip.last();
    if (query == "first_usable") return Value(ip.text_of(first));
    if (query == "last_usable") return Value(ip.text_of(last));
    if (query == "range_usable") return Value(ip.text_of(first) + "-" + ip.text_of(last));
    if (query == "next_usable")
      return ip.address + 1 >= first && ip.address < last ? Value(ip.text_of(ip.address + 1))
                                                          : Value();
    if (query == "previous_usable")
      return ip.address > first && ip.address - 1 <= last ? Value(ip.text_of(ip.address - 1))
                                                          : Value();
  }
  if (query == "peer") {
    if (ip.width() - ip.prefix == 1) return Value(ip.text_of(ip.address ^ 1U));
    if (ip.width() - ip.prefix == 2)
      return Value(ip.text_of(ip.address % 4 == 1 ? ip.address + 1 : ip.address - 1));
    return call.fail("'peer' needs a point-to-point network, found '" + text + "'");
  }
  if (const auto index = parse_integer(query)) {
    if (single) return Value(plain(ip));
    const IpNumber at = *index >= 0 ? ip.network() + static_cast<IpNumber>(*index)
                                    : ip.last() - static_cast<IpNumber>(-*index - 1);
    return at >= ip.network() && at <= ip.last() ? Value(ip.with_prefix(at)) : no;
  }
  if (const auto network = parse_ip(query)) return value_if(network->holds(ip));
  return call.fail("has no query '" + query + "'");
}

Result<Value> ask(Invocation& call, const Value& value, const std::string& query, int version) {
  if (value.is_list()) {
    List out;
    for (const Value& item : value.as_list()) {
      GS_TRY(Value one, ask(call, item, query, version));
      if (one.truthy()) out.push_back(std::move(one));
    }
    return Value(std::move(out));
  }
  if (!value.truthy() || value.is_bool()) return Value(false);
  std::string text = to_text(value);
  std::optional<IpNetwork> ip;
  if (text.find_first_not_of("0123456789") == std::string::npos) {
    IpNumber number = 0;
    for (const char digit : text.substr(0, 39))
      number = number * 10 + static_cast<unsigned>(digit - '0');
    IpNetwork made;
    made.version = version == 6 || number > 0xFFFFFFFFU ? 6 : 4;
    made.prefix = made.width();
    made.address = number;
    ip = made;
    text = made.with_prefix(number);
  } else {
    ip = parse_ip(strip(text));
  }
  if (!ip || (version != 0 && ip->version != version)) return Value(false);
  return answer(call, *ip, query, text);
}

template <int version>
Result<Value> ip_address(Invocation& call) {
  GS_TRY(const std::string query, call.text(0));
  return ask(call, call.input, query, version);
}

Result<Value> ip_wrap(Invocation& call) {
  GS_TRY(const std::string query, call.text(0));
  const auto one = [&](const Value& value) -> Result<Value> {
    if (value.is_list()) return value;
    GS_TRY(const Value known, ask(call, value, query, 0));
    if (!known.truthy() || known.is_bool()) return value;
    return ask(call, known, "wrap", 0);
  };
  if (!call.input.is_list()) return one(call.input);
  List out;
  for (const Value& value : call.input.as_list()) {
    GS_TRY(Value wrapped, one(value));
    out.push_back(std::move(wrapped));
  }
  return Value(std::move(out));
}

std::string network_text(IpNetwork ip, IpNumber address, int prefix) {
  ip.prefix = prefix;
  return ip.with_prefix(address);
}

Result<Value> ip_subnet(Invocation& call) {
  GS_TRY(const std::string text, call.input_text());
  GS_TRY(const std::string query, call.text(0));
  const auto ip = parse_ip(text);
  if (!ip) return Value(false);
  const bool has_index = call.has(1) && !call.arg(1).is_null();
  GS_TRY(const std::string index_text, call.text(1));
  if (query.empty())
    return Value(ip->is_single() ? ip->with_prefix(ip->address) : ip->with_prefix(ip->network()));
  if (const auto wanted = parse_integer(query)) {
    const auto prefix = static_cast<int>(*wanted);
    if (prefix < 0 || prefix > ip->width()) return Value(false);
    const auto index = parse_integer(index_text);
    if (has_index && !index)
      return call.fail("expected a number as index, found '" + index_text + "'");
    const auto size_bits = static_cast<unsigned>(ip->width() - prefix);
    if (!ip->is_single()) {
      if (prefix < ip->prefix) return has_index ? Value(false) : Value("0");
      const IpNumber count = prefix - ip->prefix >= 128
                                 ? 0
                                 : IpNumber{1} << static_cast<unsigned>(prefix - ip->prefix);
      if (!has_index) return Value(decimal(count));
      const IpNumber place =
          *index >= 0 ? static_cast<IpNumber>(*index) : count - static_cast<IpNumber>(-*index);
      if (place >= count) return Value(false);
      return Value(
          network_text(*ip, ip->network() + (size_bits >= 128 ? 0 : place << size_bits), prefix));
    }
    // A single address: the networks it is in, from the widest asked for.
    IpNetwork above = *ip;
    above.prefix = prefix;
    if (has_index) {
      const int at =
          *index >= 0 ? prefix + static_cast<int>(*index) : ip->width() + static_cast<int>(*index);
      if (at < prefix || at >= ip->width()) return Value(false);
      above.prefix = at;
    }
    return Value(above.with_prefix(above.network()));
  }
  const auto outer = parse_ip(query);
  if (!outer || !outer->holds(*ip))
    return call.fail("'" + text + "' is not in the subnet '" + query + "'");
  const auto shift = static_cast<unsigned>(ip->width() - ip->prefix);
  return Value(decimal(((ip->network() - outer->network()) >> (shift >= 128 ? 127U : shift)) + 1));
}

Result<Value> ip_math(Invocation& call) {
  GS_TRY(const std::string text, call.input_text());
  GS_TRY(const std::int64_t amount, call.integer(0));
  const auto ip = parse_ip(text);
  if (!ip) return call.fail("expected an address, found '" + text + "'");
  const IpNumber number = amount >= 0 ? ip->address + static_cast<IpNumber>(amount)
                                      : ip->address - static_cast<IpNumber>(-amount);
  return Value(ip->text_of(number));
}

Result<Value> nth_host(Invocation& call) {
  GS_TRY(const std::string text, call.input_text());
  GS_TRY(const std::string query, call.text(0));
  const auto ip = parse_ip(text);
  const auto index = parse_integer(query);
  if (!ip || !index || ip->is_single()) return Value(false);
  const IpNumber at = *index >= 0 ? ip->network() + static_cast<IpNumber>(*index)
                                  : ip->last() - static_cast<IpNumber>(-*index - 1);
  return at >= ip->network() && at <= ip->last() ? Value(ip->text_of(at)) : Value(false);
}

template <bool usable>
Result<Value> network_in(Invocation& call) {
  GS_TRY(const std::string outer_text, call.input_text());
  GS_TRY(const std::string inner_text, call.text(0));
  const auto outer = parse_ip(outer_text);
  const auto inner = parse_ip(inner_text);
  if (!outer || !inner)
    return call.fail("expected two networks, found '" + outer_text + "' and '" + inner_text + "'");
  if (!usable) return Value(outer->holds(*inner));
  const bool large = !outer->is_single() && outer->width() - outer->prefix > 1;
  return Value(outer->holds(*inner) &&
               (!large || (inner->network() > outer->network() && inner->last() < outer->last())));
}

Result<Value> hardware_address(Invocation& call) {
  GS_TRY(const std::string text, call.input_text());
  GS_TRY(const std::string query, call.text(0));
  std::string digits;
  for (const char c : lower(text)) {
    if (c == ':' || c == '-' || c == '.') continue;
    digits += c;
  }
  const bool valid =
      digits.size() == 12 && digits.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!valid) {
    if (query.empty() || query == "bool") return Value(false);
    return call.fail("expected a hardware address, found '" + text + "'");
  }
  const auto grouped = [&](std::size_t every, char separator) {
    std::string out;
    for (std::size_t i = 0; i < digits.size(); ++i) {
      if (i > 0 && i % every == 0) out += separator;
      out += digits[i];
    }
    return out;
  };
  if (query.empty()) return Value(text);
  if (query == "bool") return Value(true);
  if (query == "bare") return Value(upper(digits));
  if (query == "cisco") return Value(grouped(4, '.'));
  if (query == "linux" || query == "unix") return Value(grouped(2, ':'));
  if (query == "win" || query == "eui48") return Value(upper(grouped(2, '-')));
  return call.fail("has no query '" + query + "'");
}

constexpr FilterRow kRows[] = {
    {"ipaddr", ip_address<0>, "query version alias"},
    {"ipv4", ip_address<4>, "query"},
    {"ipv6", ip_address<6>, "query"},
    {"ipwrap", ip_wrap, "query"},
    {"ipsubnet", ip_subnet, "query index"},
    {"ipmath", ip_math, "amount!"},
    {"nthhost", nth_host, "query"},
    {"network_in_network", network_in<false>, "test!"},
    {"network_in_usable", network_in<true>, "test!"},
    {"hwaddr", hardware_address, "query alias"},
};

}  // namespace

FilterTable network_filters() { return kRows; }

}  // namespace gpustack::jinja
