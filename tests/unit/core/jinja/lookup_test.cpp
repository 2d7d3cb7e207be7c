#include "tests/unit/core/jinja/fixture.hpp"

#include <gtest/gtest.h>

namespace gpustack::jinja {
namespace {

using test::Bench;

std::string repr(const Result<Value>& value) {
  return value ? to_repr(*value) : value.error().render();
}

TEST(TemplateLookup, RendersAFileWithTheVariablesOfHere) {
  Bench bench(Map{{"name", "world"}});
  bench.services.files["t.j2"] = "Hello {{ name }}{{ extra | default('') }}\n";

  EXPECT_EQ(repr(bench.value("{{ lookup('template', 't.j2') }}")), "'Hello world\\n'");
  EXPECT_EQ(repr(bench.value("{{ lookup('template', 't.j2', template_vars={'extra': '!'}) }}")),
            "'Hello world!\\n'");
}

TEST(TemplateLookup, ReadsDataUnlessToldNotTo) {
  Bench bench;
  bench.services.files["t.j2"] = "{\"a\": [1, 2]}";

  EXPECT_EQ(repr(bench.value("{{ lookup('template', 't.j2') }}")), "{'a': [1, 2]}");
  EXPECT_EQ(repr(bench.value("{{ lookup('template', 't.j2', convert_data=false) }}")),
            "'{\"a\": [1, 2]}'");
}

TEST(FileLookup, StripsTheEnd) {
  Bench bench;
  bench.services.files["f"] = " x \n\n";

  EXPECT_EQ(repr(bench.value("{{ lookup('file', 'f') }}")), "' x'");
  EXPECT_EQ(repr(bench.value("{{ lookup('file', 'f', rstrip=false, lstrip=true) }}")),
            "'x \\n\\n'");
}

TEST(FirstFound, TriesPathsAndFilesInOrder) {
  Bench bench;
  bench.services.files["vars/debian.yml"] = "";

  EXPECT_EQ(repr(bench.value("{{ lookup('first_found', {'files': ['ubuntu.yml', 'debian.yml'], "
                             "'paths': ['vars']}) }}")),
            "'vars/debian.yml'");
  EXPECT_EQ(repr(bench.value("{{ lookup('first_found', ['a', 'vars/debian.yml']) }}")),
            "'vars/debian.yml'");
}

TEST(PipeAndLines, ReturnTheOutput) {
  Bench bench;
  bench.services.shell_output = "one\ntwo\n";

  EXPECT_EQ(repr(bench.value("{{ lookup('pipe', 'x') }}")), "'one\\ntwo'");
  EXPECT_EQ(repr(bench.value("{{ query('lines', 'x') }}")), "['one', 'two']");
}

TEST(EnvLookup, ReadsTheControllersEnvironment) {
  Bench bench;
  bench.services.variables["HOME"] = "/home/u";

  EXPECT_EQ(repr(bench.value("{{ lookup('env', 'HOME') }}")), "'/home/u'");
  EXPECT_EQ(repr(bench.value("{{ '~/x' | expanduser }} {{ '$HOME/y ${HOME}' | expandvars }}")),
            "'/home/u/x /home/u/y /home/u'");
}

TEST(IniLookup, ReadsSectionsPropertiesAndPatterns) {
  Bench bench;
  bench.services.files["c.ini"] =
      "[DEFAULT]\nbase=/x\n[one]\nPort = 80\npath=%(base)s/y\nmulti = a\n  b\n[two]\np1=1\np2=2\n";
  bench.services.files["c.properties"] = "user.name = bob\n";

  EXPECT_EQ(repr(bench.value("{{ lookup('ini', 'port', section='one', file='c.ini') }}")), "'80'");
  EXPECT_EQ(repr(bench.value("{{ lookup('ini', 'path section=one file=c.ini') }}")), "'/x/y'");
  EXPECT_EQ(repr(bench.value("{{ lookup('ini', 'multi', section='one', file='c.ini') }}")),
            "'a\\nb'");
  EXPECT_EQ(repr(bench.value("{{ query('ini', 'p.', section='two', file='c.ini', re=true) }}")),
            "['1', '2']");
  EXPECT_EQ(
      repr(bench.value("{{ lookup('ini', 'user.name', type='properties', file='c.properties') }}")),
      "'bob'");
  EXPECT_EQ(
      repr(bench.value("{{ lookup('ini', 'gone', section='one', file='c.ini', default='d') }}")),
      "'d'");
}

TEST(CsvLookup, FindsARowByItsFirstColumn) {
  Bench bench;
  bench.services.files["e.csv"] = "Li,3,\"6,94\"\nHe,2,4\n";

  EXPECT_EQ(repr(bench.value("{{ lookup('csvfile', 'Li file=e.csv delimiter=,') }}")), "'3'");
  EXPECT_EQ(repr(bench.value("{{ lookup('csvfile', 'Li', file='e.csv', delimiter=',', col=2) }}")),
            "'6,94'");
  EXPECT_EQ(repr(bench.value(
                "{{ lookup('csvfile', 'Xx', file='e.csv', delimiter=',', default='none') }}")),
            "'none'");
}

TEST(PasswordLookup, KeepsWhatItMade) {
  Bench bench;

  const auto first = bench.value("{{ lookup('password', '/pw/db length=12 chars=digits') }}");
  const auto second = bench.value("{{ lookup('password', '/pw/db') }}");

  ASSERT_TRUE(first.has_value()) << first.error().render();
  EXPECT_EQ(first->as_string().size(), 12U);
  EXPECT_EQ(first->as_string().find_first_not_of("0123456789"), std::string::npos);
  EXPECT_TRUE(first->is_secret());
  EXPECT_EQ(bench.services.files.at("/pw/db"), first->as_string() + "\n");
  EXPECT_TRUE(second.has_value());
}

TEST(PasswordLookup, ChoosesTheSameBySeed) {
  Bench bench;

  EXPECT_EQ(
      repr(bench.value(
          "{{ lookup('password', '/dev/null', seed='host1', length=8, chars=['digits']) }}")),
      repr(bench.value(
          "{{ lookup('password', '/dev/null', seed='host1', length=8, chars=['digits']) }}")));
}

TEST(InventoryHostnames, AsksTheInventory) {
  Bench bench;

  EXPECT_EQ(repr(bench.value("{{ query('inventory_hostnames', 'web') }}")), "['web1', 'web2']");
}

TEST(Lookup, IgnoresFailuresOnRequest) {
  Bench bench;

  EXPECT_EQ(repr(bench.value("{{ lookup('file', 'gone', errors='ignore') | default('d', true) }}")),
            "'d'");
  EXPECT_EQ(bench.value("{{ lookup('file', 'gone') }}").error().code(), ErrorCode::lookup_failed);
}

}  // namespace
}  // namespace gpustack::jinja
