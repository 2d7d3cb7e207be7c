#include "modules/builtin/support/tcp_table.hpp"

#include "modules/sdk/text.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstdio>

namespace gpustack::modules {

namespace {

struct State {
  std::string_view name;
  std::string_view code;
};
constexpr State kStates[] = {{"ESTABLISHED", "01"},
                             {"SYN_SENT", "02"},
                             {"SYN_RECV", "03"},
                             {"FIN_WAIT1", "04"},
                             {"FIN_WAIT2", "05"},
                             {"TIME_WAIT", "06"}};
constexpr std::string_view kMappedPrefix = "0000000000000000FFFF0000";

// The table shows addresses as 32-bit words in the host's byte order.
std::string table_text(const unsigned char* bytes, std::size_t size) {
  std::string out;
  for (std::size_t word = 0; word < size; word += 4) {
    std::array<char, 9> text{};
    std::snprintf(text.data(),
                  text.size(),
                  "%02X%02X%02X%02X",
                  bytes[word + 3],
                  bytes[word + 2],
                  bytes[word + 1],
                  bytes[word]);
    out += text.data();
  }
  return out;
}

/// The ways an address shows in the two tables: an IPv4 address also as a mapped IPv6 one.
std::vector<std::string> table_addresses(const std::vector<std::string>& addresses) {
  std::vector<std::string> out;
  for (const std::string& address : addresses) {
    std::array<unsigned char, 16> bytes{};
    if (::inet_pton(AF_INET, address.c_str(), bytes.data()) == 1) {
      const std::string text = table_text(bytes.data(), 4);
      out.push_back(text);
      out.push_back(std::string(kMappedPrefix) + text);
    } else if (::inet_pton(AF_INET6, address.c_str(), bytes.data()) == 1) {
      out.push_back(table_text(bytes.data(), 16));
    }
  }
  return out;
}

bool contains(const std::vector<std::string>& all, std::string_view one) {
  return std::ranges::find(all, one) != all.end();
}

// `0.0.0.0` and `::` were asked for: every local address of that family counts.
bool matches_any(const std::vector<std::string>& wanted, std::string_view local) {
  if (local.size() == 8) return contains(wanted, "00000000");
  if (contains(wanted, std::string(32, '0'))) return true;
  return local.starts_with(kMappedPrefix) &&
         contains(wanted, std::string(kMappedPrefix) + "00000000");
}

}  // namespace

std::string tcp_state_code(std::string_view name) {
  for (const State& state : kStates) {
    if (state.name == name) return std::string(state.code);
  }
  return {};
}

std::size_t count_connections(const SystemView& view, const TcpQuery& query) {
  const auto wanted = table_addresses(query.addresses);
  const auto excluded = table_addresses(query.excluded_addresses);
  std::array<char, 8> port{};
  std::snprintf(port.data(), port.size(), "%04X", static_cast<unsigned>(query.port));
  std::size_t count = 0;
  for (const char* path : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    const auto text = view.read(path);
    if (!text) continue;
    for (const std::string& line : split_lines(*text)) {
      const auto fields = split_words(line);
      if (fields.size() < 4 || fields[1] == "local_address" || !contains(query.states, fields[3]))
        continue;
      const std::size_t colon = fields[1].find(':');
      const std::string local = fields[1].substr(0, colon);
      if (colon == std::string::npos || fields[1].substr(colon + 1) != port.data()) continue;
      if (contains(excluded, fields[2].substr(0, fields[2].find(':')))) continue;
      if (contains(wanted, local) || matches_any(wanted, local)) ++count;
    }
  }
  return count;
}

}  // namespace gpustack::modules
