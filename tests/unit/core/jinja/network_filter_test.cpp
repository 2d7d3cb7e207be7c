#include "tests/unit/core/jinja/fixture.hpp"

#include <gtest/gtest.h>

namespace gpustack::jinja {
namespace {

using test::Bench;

struct Row {
  const char* name;
  const char* expression;
  const char* repr;
};

class NetworkFilter : public ::testing::TestWithParam<Row> {};

// Expected values are those in the documentation of ansible.utils and community.general.
TEST_P(NetworkFilter, AnswersAsDocumented) {
  Bench bench(Map{{"d",
                   Value::map({{"a",
                                Value::list({Value::map({{"n", "x"}, {"v", 2}}),
                                             Value::map({{"n", "y"}, {"v", 1}})})}})}});

  const auto value = bench.expression(GetParam().expression);

  ASSERT_TRUE(value.has_value()) << value.error().render();
  EXPECT_EQ(to_repr(*value), GetParam().repr);
}

INSTANTIATE_TEST_SUITE_P(
    Documented,
    NetworkFilter,
    ::testing::Values(
        Row{"valid", "'192.0.2.1' | ansible.utils.ipaddr", "'192.0.2.1'"},
        Row{"invalid", "'192.168.32.' | ipaddr", "False"},
        Row{"list",
            "['192.24.2.1', 'host.fqdn', '::1', '', '192.168.32.0/24', true] | ipaddr",
            "['192.24.2.1', '::1', '192.168.32.0/24']"},
        Row{"only_v4",
            "['192.24.2.1', '::1', '192.168.32.0/24'] | ipv4",
            "['192.24.2.1', '192.168.32.0/24']"},
        Row{"only_v6", "['192.24.2.1', '::1', 'fe80::100/10'] | ipv6", "['::1', 'fe80::100/10']"},
        Row{"wrapped",
            "['192.24.2.1', 'host', '::1', 'fe80::100/10'] | ipwrap",
            "['192.24.2.1', 'host', '[::1]', '[fe80::100]/10']"},
        Row{"address", "'192.0.2.1/24' | ipaddr('address')", "'192.0.2.1'"},
        Row{"netmask", "'192.0.2.1/24' | ipaddr('netmask')", "'255.255.255.0'"},
        Row{"network", "'192.0.2.1/24' | ipaddr('network')", "'192.0.2.0'"},
        Row{"broadcast", "'192.0.2.1/24' | ipaddr('broadcast')", "'192.0.2.255'"},
        Row{"prefix", "'192.0.2.1/24' | ipaddr('prefix')", "24"},
        Row{"subnet", "'192.0.2.1/24' | ipaddr('subnet')", "'192.0.2.0/24'"},
        Row{"third", "'192.0.2.0/24' | ipaddr('3')", "'192.0.2.3/24'"},
        Row{"last_of_all", "'192.0.2.0/24' | ipaddr(-1)", "'192.0.2.255/24'"},
        Row{"member", "'192.0.2.7' | ipaddr('192.0.2.0/24')", "'192.0.2.7'"},
        Row{"no_member", "'198.51.100.1' | ipaddr('192.0.2.0/24')", "False"},
        Row{"private_ones", "['192.168.1.1', '8.8.8.8'] | ipaddr('private')", "['192.168.1.1']"},
        Row{"public_ones", "['192.168.1.1', '8.8.8.8'] | ipaddr('public')", "['8.8.8.8']"},
        Row{"size", "'192.168.0.0/16' | ipaddr('size')", "65536"},
        Row{"version", "'::1' | ipaddr('version')", "6"},
        Row{"reverse", "'192.0.2.5' | ipaddr('revdns')", "'5.2.0.192.in-addr.arpa.'"},
        Row{"integer", "'192.168.0.1' | ipaddr('int')", "3232235521"},
        Row{"usable", "'192.0.2.0/29' | ipaddr('range_usable')", "'192.0.2.1-192.0.2.6'"},
        Row{"subnets", "'192.168.144.0/20' | ipsubnet(26)", "'64'"},
        Row{"one_subnet", "'192.168.0.0/16' | ipsubnet(20, 0)", "'192.168.0.0/20'"},
        Row{"supernet", "'192.168.144.5' | ipsubnet(20)", "'192.168.144.0/20'"},
        Row{"rank", "'192.168.144.0/20' | ipsubnet('192.168.0.0/16')", "'10'"},
        Row{"math", "'192.168.1.5' | ipmath(5)", "'192.168.1.10'"},
        Row{"nth", "'10.0.0.0/8' | nthhost(305)", "'10.0.1.49'"},
        Row{"within", "'192.168.0.0/24' | network_in_network('192.168.0.1')", "True"},
        Row{"hardware", "'52:54:00:12:34:56' | hwaddr('cisco')", "'5254.0012.3456'"},
        Row{"query", "d | json_query('a[?v > `1`].n')", "['x']"},
        Row{"query_map",
            "d | json_query('a[*].{name: n, value: v}')",
            "[{'name': 'x', 'value': 2}, {'name': 'y', 'value': 1}]"},
        Row{"query_sort", "d | json_query('sort_by(a, &v)[0].n')", "'y'"},
        Row{"query_function", "d | json_query(\"a[?contains(n, 'y')] | length(@)\")", "1"},
        Row{"query_flatten", "{'a': [[1], [2, [3]]]} | json_query('a[]')", "[1, 2, [3]]"},
        Row{"query_missing", "d | json_query('x.y')", "None"},
        Row{"version_sort",
            "['1.10', '1.9', '1.2'] | community.general.version_sort",
            "['1.2', '1.9', '1.10']"}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace gpustack::jinja
