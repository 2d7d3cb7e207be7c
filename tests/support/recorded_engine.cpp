#include "tests/support/recorded_engine.hpp"

#include "core/base/json.hpp"
#include "modules/sdk/text.hpp"
#include "tests/support/fixture_system.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace gpustack::test {

void RecordedEngine::expect(const Value& exchanges) {
  exchanges_ = exchanges.is_list() ? exchanges.as_list() : List();
  next_ = 0;
}

Result<modules::HttpResponse> RecordedEngine::answer(const modules::HttpRequest& request) const {
  const std::string asked =
      request.method + " " + request.url.substr(std::string("http://localhost").size());
  if (next_ == exchanges_.size()) {
    ADD_FAILURE() << "the engine was never asked for " << asked;
    return Error(ErrorCode::module_failed, "not recorded: " + asked);
  }
  const Value& exchange = exchanges_[next_++];
  EXPECT_EQ(asked, to_text(exchange.get("method")) + " " + to_text(exchange.get("path")));
  const auto body = parse_json(request.body);
  if (exchange.get("body").is_map()) {
    EXPECT_EQ(to_json(body ? *body : Value()), to_json(exchange.get("body"))) << asked;
  }
  modules::HttpResponse response;
  response.status = static_cast<int>(exchange.get("status").as_integer());
  const Value& answer = exchange.get("answer");
  response.body = answer.is_null() ? to_text(exchange.get("text")) : to_json(answer);
  if (answer.is_null() && exchange.get("text").is_null()) response.body.clear();
  response.size = response.body.size();
  response.url = request.url;
  return response;
}

namespace {

Value read_story(const std::string& name) {
  const auto folder = FixtureSystem::folder_of("x").parent_path().parent_path() / "engines";
  std::ifstream in(folder / (name + ".json"));
  std::ostringstream text;
  text << in.rdbuf();
  const auto story = parse_json(text.str());
  EXPECT_TRUE(story) << name << ": " << (story ? "" : story.error().message());
  return story ? *story : Value();
}

const Value& found(const Value& result, const std::string& path) {
  const Value* at = &result;
  for (const std::string& part : modules::split(path, '/')) at = &at->get(part);
  return *at;
}

}  // namespace

void play_story(const std::string& name) {
  const Value story = read_story(name);
  if (!story.is_map()) return;
  RecordedEngine engine;
  engine.diff_mode(true);
  int number = 0;
  for (const Value& step : story.get("steps").as_list()) {
    ++number;
    if (step.find("shell") != nullptr) continue;
    SCOPED_TRACE(name + ", step " + std::to_string(number) + ": " + to_json(step.get("arguments")));
    const modules::ModuleSpec* spec = modules::find_module(to_text(step.get("module")));
    ASSERT_NE(spec, nullptr) << to_text(step.get("module"));
    engine.expect(step.get("exchanges"));

    const Value result = step.get("check").truthy() ? dry_run(*spec, step.get("arguments"), engine)
                                                    : run(*spec, step.get("arguments"), engine);

    EXPECT_EQ(result.get("changed"), step.get("changed")) << to_json(result);
    EXPECT_EQ(result.get("failed").truthy(), step.get("failed").truthy()) << to_json(result);
    if (step.get("expect").is_map()) {
      for (const auto& [path, value] : step.get("expect").as_map())
        EXPECT_EQ(found(result, to_text(path)), value) << to_text(path) << "\n" << to_json(result);
    }
    EXPECT_EQ(engine.left(), 0U) << "not everything was asked for";
  }
}

}  // namespace gpustack::test
