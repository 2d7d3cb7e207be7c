#include "modules/sdk/module.hpp"

#include "modules/sdk/accounts.hpp"
#include "modules/sdk/file_arguments.hpp"
#include "modules/sdk/hash.hpp"
#include "tests/support/memory_system.hpp"

#include <gtest/gtest.h>

#include <type_traits>

namespace gpustack::modules {
namespace {

using test::MemorySystem;

template <typename Host, typename Request>
concept Asks = requires(Host& host, const Request& request) {
  host.http(request);
};
template <typename Host, typename Request>
concept Sends = requires(Host& host, const Request& request) {
  host.send(request);
};

constexpr ArgSpec kArgs[] = {
    {.name = "path", .type = ArgType::path, .required = true},
    {.name = "text"},
    {.name = "command"},
    {.name = "token", .is_secret = true},
};

Result<Plan> plan_placing(const Args& args, const SystemView& view) {
  const std::string path = args.text("path");
  if (args.has("command")) {
    GS_TRY(const CommandResult asked,
           view.query(Command{.argv = {args.text("command"), "--version"}}));
    return Plan::change(Value::map({{"asked", asked.output}}))
        .step(RunCommand{Command{.argv = {args.text("command")}}, {}});
  }
  Plan plan;
  GS_TRY(const auto now, view.stat(path));
  std::string before;
  if (now) {
    GS_TRY(before, view.read(path));
  }
  plan.set("echo", Value("token is " + args.text("token")));
  if (args.has("text") && before != args.text("text")) {
    GS_TRY(const WriteOptions options, write_options(args, view, now));
    plan.changed = true;
    plan.step(WriteFile{path, Content::of(args.text("text")), options});
    plan.diff(Value(before), Value(args.text("text")), path, path);
  }
  AttributeDiff attributes;
  GS_TRY_VOID(
      plan_file_attributes(plan, args, view, path, now ? *now : new_file_info(view), &attributes));
  return plan;
}

const ModuleSpec kSpec{.name = "placing",
                       .summary = "For tests.",
                       .args = kArgs,
                       .queries = "tool --version",
                       .file_arguments = true,
                       .plan = plan_placing};

TEST(RunModule, WritesAndThenFindsNothingToDo) {
  MemorySystem system;
  const Value arguments = Value::map({{"path", "~/x"}, {"text", "hello"}, {"mode", "0600"}});

  const Value first = run(kSpec, arguments, system);
  const Value second = run(kSpec, arguments, system);

  EXPECT_EQ(first.get("changed"), Value(true)) << to_repr(first);
  EXPECT_EQ(system.text("/root/x"), "hello");
  EXPECT_EQ(system.info("/root/x").mode, 0600U);
  EXPECT_EQ(second.get("changed"), Value(false));
}

TEST(RunModule, ShowsADiffOnlyWhenAsked) {
  MemorySystem system;
  const Value arguments = Value::map({{"path", "/etc/x"}, {"text", "hello"}});

  const Value quiet = dry_run(kSpec, arguments, system);
  system.diff_mode(true);
  const Value shown = dry_run(kSpec, arguments, system);

  EXPECT_EQ(quiet.find("diff"), nullptr);
  EXPECT_EQ(shown.get("diff"),
            Value::map({{"before", ""},
                        {"after", "hello"},
                        {"before_header", "/etc/x"},
                        {"after_header", "/etc/x"}}));
  EXPECT_TRUE(shown.get("changed").as_bool());
  EXPECT_FALSE(system.exists("/etc/x"));
}

TEST(RunModule, KeepsSecretsOutOfResults) {
  MemorySystem system;

  const Value result =
      run(kSpec, Value::map({{"path", "/etc/x"}, {"text", "a"}, {"token", "s3cret"}}), system);

  EXPECT_EQ(result.get("echo"), Value("token is ********"));
}

TEST(RunModule, ReportsAFailedCommandWithItsOutput) {
  MemorySystem system;
  system.when({"tool", "--version"}, "tool 1").when({"tool"}, "", 3, "no such device\n");

  const Value result = run(kSpec, Value::map({{"path", "/x"}, {"command", "tool"}}), system);

  EXPECT_EQ(result.get("failed"), Value(true));
  EXPECT_EQ(result.get("rc"), Value(3));
  EXPECT_EQ(result.get("asked"), Value("tool 1"));
  EXPECT_EQ(result.get("msg"), Value("'tool' failed: no such device"));
}

TEST(RunModule, RefusesQueriesThatWereNotDeclared) {
  MemorySystem system;
  system.when({"reboot"}, "");

  const Value result = run(kSpec, Value::map({{"path", "/x"}, {"command", "reboot"}}), system);

  EXPECT_EQ(result.get("failed"), Value(true));
  EXPECT_EQ(result.get("error_code"), Value("GS9001"));
  EXPECT_TRUE(system.changes().empty());
}

TEST(SystemView, SendsOnlyRequestsThatRead) {
  constexpr bool asks = Asks<const SystemView, HttpQuery>;
  constexpr bool asks_for_changes =
      Asks<const SystemView, HttpRequest> || Sends<const SystemView, HttpRequest>;
  constexpr bool becomes_a_query = std::is_convertible_v<HttpRequest, HttpQuery>;

  EXPECT_TRUE(asks);
  EXPECT_FALSE(asks_for_changes) << "a dry run could change what is behind an address";
  EXPECT_FALSE(becomes_a_query);
  EXPECT_TRUE((Sends<System, HttpRequest>));
}

TEST(HttpRequest, OfAQueryHasTheMethodOfTheQuery) {
  HttpQuery query;
  query.url = "http://localhost/version";

  EXPECT_EQ(HttpRequest(query).method, "GET");
  query.header_only = true;
  EXPECT_EQ(HttpRequest(query).method, "HEAD");
  EXPECT_EQ(HttpRequest(query).url, "http://localhost/version");
}

TEST(RunModule, ReportsAFaultOfTheHost) {
  MemorySystem system;
  system.fail("write", "/etc/x", Error(ErrorCode::no_space, "no room"));

  const Value result = run(kSpec, Value::map({{"path", "/etc/x"}, {"text", "a"}}), system);

  EXPECT_EQ(result.get("failed"), Value(true));
  EXPECT_EQ(result.get("error_code"), Value("GS6003"));
  EXPECT_EQ(result.get("changed"), Value(false));
}

TEST(FileAttributes, ComparesOwnerGroupModeAndFlags) {
  MemorySystem system;
  system.file("/etc/x", "a").user("ann", 1001, 1001);

  const Value result = run(kSpec,
                           Value::map({{"path", "/etc/x"},
                                       {"owner", "ann"},
                                       {"group", "1001"},
                                       {"mode", "u=rwxs,go="},
                                       {"attributes", "+i"}}),
                           system);

  EXPECT_EQ(result.get("changed"), Value(true)) << to_repr(result);
  EXPECT_EQ(system.info("/etc/x").uid, 1001U);
  EXPECT_EQ(system.info("/etc/x").gid, 1001U);
  EXPECT_EQ(system.info("/etc/x").mode, 04700U);
  EXPECT_EQ(system.changes(),
            (std::vector<std::string>{
                "set_owner /etc/x", "set_mode /etc/x", "set_attribute_flags /etc/x"}));
}

TEST(FileAttributes, NamesAnUnknownUser) {
  MemorySystem system;
  system.file("/etc/x", "a");

  const Value result =
      run(kSpec, Value::map({{"path", "/etc/x"}, {"owner", "nobody_here"}}), system);

  EXPECT_EQ(result.get("msg"), Value("chown failed: failed to look up user nobody_here"));
}

TEST(Accounts, ExpandTildesAndVariables) {
  MemorySystem system;
  system.user("ann", 1001, 1001, "/srv/ann").variable("DATA", "/data");

  EXPECT_EQ(expand_path(system, "~/x"), "/root/x");
  EXPECT_EQ(expand_path(system, "~ann/x"), "/srv/ann/x");
  EXPECT_EQ(expand_path(system, "~nobody_here/x"), "~nobody_here/x");
  EXPECT_EQ(expand_path(system, "$DATA/${DATA}y/$NONE"), "/data//datay/$NONE");
}

TEST(Accounts, SkipLinesThatAreNone) {
  const auto users = parse_passwd(
      "root:x:0:0:root:/root:/bin/sh\n+::::::\nbroken\nann:x:1001:100:Ann:/home/ann:\n");

  ASSERT_EQ(users.size(), 2U);
  EXPECT_EQ(users[1].name, "ann");
  EXPECT_EQ(users[1].uid, 1001U);
}

TEST(Hash, MatchesKnownDigests) {
  EXPECT_EQ(hash_bytes(Algorithm::md5, "abc"), "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_EQ(hash_bytes(Algorithm::sha1, "abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(hash_bytes(Algorithm::sha256, ""),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

}  // namespace
}  // namespace gpustack::modules
