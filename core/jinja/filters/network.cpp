// ipaddr, ipv4, ipv6, ipwrap, ipsubnet, ipmath, nthhost, network_in_network, network_in_usable,
// hwaddr
#include "core/jinja/filters/ip_query.hpp"
#include "core/jinja/filters/tables.hpp"
#include "core/jinja/ip.hpp"
#include "core/jinja/number.hpp"
#include "core/jinja/operators.hpp"
#include "core/jinja/render.hpp"
#include "core/jinja/text.hpp"

#include <algorithm>
#include <optional>
#include <string_view>

namespace gpustack::jinja {

namespace {

/// An address written as one number: of version 4 while it fits, unless 6 is asked for.
IpNetwork address_of_number(std::string_view digits, int version) {
  IpNetwork out;
  for (const char digit : digits.substr(0, 39))
    out.address = out.address * 10 + static_cast<unsigned>(digit - '0');
  out.version = version == 6 || out.address > 0xFFFFFFFFU ? 6 : 4;
  out.prefix = out.width();
  return out;
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
    ip = address_of_number(text, version);
    text = ip->with_prefix(ip->address);
  } else {
    ip = parse_ip(strip(text));
  }
  if (!ip || (version != 0 && ip->version != version)) return Value(false);
  return answer_query(call, *ip, query, text);
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

/// How many subnets of the prefix the network has, or the one at a place.
Value subnet_in(const IpNetwork& ip, int prefix, std::optional<std::int64_t> index) {
  if (prefix < ip.prefix) return index ? Value(false) : Value("0");
  const auto more_bits = static_cast<unsigned>(prefix - ip.prefix);
  const IpNumber count = more_bits >= 128 ? 0 : IpNumber{1} << more_bits;
  if (!index) return Value(decimal(count));
  const IpNumber place =
      *index >= 0 ? static_cast<IpNumber>(*index) : count - static_cast<IpNumber>(-*index);
  if (place >= count) return Value(false);
  const auto size_bits = static_cast<unsigned>(ip.width() - prefix);
  const IpNumber offset = size_bits >= 128 ? 0 : place << size_bits;
  return Value(network_text(ip, ip.network() + offset, prefix));
}

/// One of the networks that a single address is in, counted from the widest asked for.
Value subnet_around(const IpNetwork& ip, int prefix, std::optional<std::int64_t> index) {
  IpNetwork above = ip;
  above.prefix = prefix;
  if (index) {
    const int start = *index >= 0 ? prefix : ip.width();
    above.prefix = start + static_cast<int>(*index);
    if (above.prefix < prefix || above.prefix >= ip.width()) return Value(false);
  }
  return Value(above.with_prefix(above.network()));
}

/// The place of a network among those of its size in an outer one, from 1.
Result<Value> place_in(Invocation& call,
                       const IpNetwork& ip,
                       const std::string& text,
                       const std::string& outer_text) {
  const auto outer = parse_ip(outer_text);
  if (!outer || !outer->holds(ip))
    return call.fail("'" + text + "' is not in the subnet '" + outer_text + "'");
  const auto shift = std::min(static_cast<unsigned>(ip.width() - ip.prefix), 127U);
  return Value(decimal(((ip.network() - outer->network()) >> shift) + 1));
}

Result<Value> ip_subnet(Invocation& call) {
  GS_TRY(const std::string text, call.input_text());
  GS_TRY(const std::string query, call.text(0));
  const auto ip = parse_ip(text);
  if (!ip) return Value(false);
  GS_TRY(const std::string index_text, call.text(1));
  if (query.empty()) return Value(ip->with_prefix(ip->network()));
  const auto wanted = parse_integer(query);
  if (!wanted) return place_in(call, *ip, text, query);
  const auto prefix = static_cast<int>(*wanted);
  if (prefix < 0 || prefix > ip->width()) return Value(false);
  std::optional<std::int64_t> index;
  if (call.has(1) && !call.arg(1).is_null()) {
    index = parse_integer(index_text);
    if (!index) return call.fail("expected a number as index, found '" + index_text + "'");
  }
  return ip->is_single() ? subnet_around(*ip, prefix, index) : subnet_in(*ip, prefix, index);
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
