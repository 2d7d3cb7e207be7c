#include "modules/builtin/support/xml_document.hpp"
#include "tests/support/convergence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec xml_module;

namespace {

using test::expect_converges;
using test::expect_refused;
using test::expect_unchanged;
using test::MemorySystem;
using testing::HasSubstr;

constexpr const char* kServer =
    "<?xml version='1.0' encoding='UTF-8'?>\n<server port=\"80\">\n  <host name=\"a\">one</host>\n"
    "</server>";

Value edit(std::initializer_list<std::pair<Value, Value>> more) {
  Value out = Value::map({{"path", "/etc/x.xml"}});
  for (const auto& [key, value] : more) out.set(key.as_string(), value);
  return out;
}

TEST(Xml, SetsATextAndAnAttribute) {
  MemorySystem system;
  system.file("/etc/x.xml", kServer, 0640);

  expect_converges(xml_module, edit({{"xpath", "/server/host"}, {"value", "a & b"}}), system);
  expect_converges(
      xml_module,
      edit({{"xpath", "/server"}, {"attribute", "port"}, {"value", "81"}, {"backup", true}}),
      system);

  EXPECT_EQ(system.text("/etc/x.xml"),
            "<?xml version='1.0' encoding='UTF-8'?>\n<server port=\"81\">\n  "
            "<host name=\"a\">a &amp; b</host>\n</server>");
  EXPECT_EQ(system.info("/etc/x.xml").mode, 0640U);
}

TEST(Xml, MakesWhatAPlainPathAsksFor) {
  MemorySystem system;
  system.file("/etc/x.xml", kServer);

  expect_converges(xml_module, edit({{"xpath", "/server/tls[@on='1']/key/text()='k'"}}), system);

  EXPECT_THAT(system.text("/etc/x.xml"), HasSubstr("<tls on=\"1\"><key>k</key></tls></server>"));
}

TEST(Xml, RemovesElementsAndAttributes) {
  MemorySystem system;
  system.file("/etc/x.xml", kServer);

  expect_converges(xml_module, edit({{"xpath", "//@name"}, {"state", "absent"}}), system);
  expect_converges(xml_module, edit({{"xpath", "//host"}, {"state", "absent"}}), system);

  EXPECT_EQ(system.text("/etc/x.xml"),
            "<?xml version='1.0' encoding='UTF-8'?>\n<server port=\"80\">\n  </server>");
}

TEST(Xml, ReplacesChildrenOnce) {
  MemorySystem system;
  system.file("/etc/x.xml", kServer);
  const Value child =
      Value::map({{"host", Value::map({{"name", "c"}, {"_", Value::list({"up"})}})}});

  expect_converges(
      xml_module, edit({{"xpath", "/server"}, {"set_children", Value::list({child})}}), system);

  EXPECT_THAT(system.text("/etc/x.xml"), HasSubstr("<host name=\"c\"><up/></host>"));
}

TEST(Xml, KnowsNamespacesByTheirUriNotByTheirPrefix) {
  MemorySystem system;
  system.file("/etc/x.xml", "<a xmlns=\"urn:a\" xmlns:q=\"urn:q\"><b/><q:c/></a>");
  const Value namespaces = Value::map({{"x", "urn:a"}, {"y", "urn:q"}});
  const auto in = [&](const char* xpath) {
    return edit({{"xpath", xpath}, {"namespaces", namespaces}, {"value", "v"}});
  };

  expect_converges(xml_module, in("/x:a/x:b"), system);
  expect_converges(xml_module, in("/x:a/y:c"), system);

  EXPECT_THAT(system.text("/etc/x.xml"), HasSubstr("<b>v</b><q:c>v</q:c>"));
  EXPECT_THAT(expect_refused(xml_module, in("/z:a"), system),
              HasSubstr("Undefined namespace prefix 'z'"));
}

TEST(Xml, TellsWhatItFinds) {
  MemorySystem system;
  system.file("/etc/x.xml", kServer);

  const Value text =
      expect_unchanged(xml_module, edit({{"xpath", "//host"}, {"content", "text"}}), system);
  const Value paths =
      expect_unchanged(xml_module, edit({{"xpath", "//host"}, {"print_match", true}}), system);

  EXPECT_EQ(text.get("matches"), Value::list({Value::map({{"host", "one"}})}));
  EXPECT_EQ(paths.get("msg"), Value("selector '//host' match: [\"/server/host\"]"));
}

TEST(Xml, PrettyPrintsAndIsThenContent) {
  MemorySystem system;
  system.file("/etc/x.xml", "<a><b> <c/></b></a>");

  expect_converges(xml_module, edit({{"pretty_print", true}}), system);

  EXPECT_EQ(system.text("/etc/x.xml"),
            "<?xml version='1.0' encoding='UTF-8'?>\n<a>\n  <b>\n    <c/>\n  </b>\n</a>\n");
}

TEST(Xml, RefusesWhatItCannotRead) {
  MemorySystem system;
  const Value value = edit({{"xpath", "/a"}, {"value", "v"}});

  EXPECT_THAT(expect_refused(xml_module, value, system), HasSubstr("does not exist"));
  system.file("/etc/x.xml", "<a>\n<b></a>");
  EXPECT_THAT(expect_refused(xml_module, value, system), HasSubstr("line 2"));
  system.file("/etc/x.xml", "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>");
  EXPECT_THAT(expect_refused(xml_module, value, system), HasSubstr("declarations of its own"));
  system.file("/etc/x.xml", "<a/>");
  EXPECT_THAT(expect_refused(xml_module, edit({{"xpath", "/a["}, {"value", "v"}}), system),
              HasSubstr("Syntax error in xpath expression"));
  EXPECT_THAT(
      expect_refused(xml_module, edit({{"xpath", "/a"}, {"value", "v"}, {"count", true}}), system),
      HasSubstr("mutually exclusive"));
}

struct NameCase {
  const char* name;
  const char* xpath;
  const char* plain;
};

class XmlNames : public testing::TestWithParam<NameCase> {};

TEST_P(XmlNames, AreToldByTheirNamespace) {
  const auto plain = without_prefixes(GetParam().xpath, {{"p", "u"}}, true);

  ASSERT_TRUE(plain) << plain.error().message();
  EXPECT_EQ(*plain, GetParam().plain);
}

INSTANTIATE_TEST_SUITE_P(
    All,
    XmlNames,
    testing::Values(
        NameCase{"prefixed", "/p:a", "/*[namespace-uri()='u' and local-name()='a']"},
        NameCase{"any_of_a_namespace", "//p:*", "//*[namespace-uri()='u']"},
        NameCase{"in_none", "/a/@b", "/a[namespace-uri()='']/@b"},
        NameCase{
            "operators", "a and b div 2", "a[namespace-uri()=''] and b[namespace-uri()=''] div 2"},
        NameCase{
            "an_element_called_div", "div/mod", "div[namespace-uri()='']/mod[namespace-uri()='']"},
        NameCase{
            "functions", "text()[. = 'p:a'] | *[last() - 1]", "text()[. = 'p:a'] | *[last() - 1]"},
        NameCase{"axes", "child::p:a", "child::*[namespace-uri()='u' and local-name()='a']"},
        NameCase{"attributes_by_axis", "attribute::b", "attribute::b"}),
    [](const auto& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace gpustack::modules
