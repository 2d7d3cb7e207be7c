/// @file Reads a JSON list of questions about the language and prints, as JSON, the answers of
/// core/play:
/// {"spec": options, "values": map}, {"text": arguments, "command": bool}, {"tags": [], "only": [],
/// "skip": []}.

#include "core/base/json.hpp"
#include "core/play/action_text.hpp"
#include "core/play/argument_spec.hpp"
#include "core/play/tags.hpp"

#include <cstdio>
#include <iostream>
#include <iterator>

namespace {

using namespace gpustack;

Value answer_spec(const Value& question) {
  List messages;
  for (const Error& error :
       play::role_argument_errors(question.get("spec"), question.get("values"), {}))
    messages.emplace_back(error.message());
  return Value(std::move(messages));
}

Value answer_text(const Value& question) {
  const auto form =
      question.get("command").truthy() ? play::FreeForm::command : play::FreeForm::none;
  auto parsed = play::parse_argument_text(question.get("text"), form);
  if (!parsed) return Value("error");
  Value out{Map()};
  for (const Map::Entry& each : parsed->values) out.set(to_text(each.key), each.value);
  if (!parsed->rest.is_null()) out.set("_raw_params", parsed->rest);
  return out;
}

play::TagSet tag_set(const Value& list) {
  play::TagSet out;
  for (const Value& tag : list.as_list()) out.insert(to_text(tag));
  return out;
}

Value answer(const Value& question) {
  if (question.find("spec") != nullptr) return answer_spec(question);
  if (question.find("text") != nullptr) return answer_text(question);
  return Value(play::should_run(
      tag_set(question.get("tags")),
      play::TagChoice{tag_set(question.get("only")), tag_set(question.get("skip"))}));
}

}  // namespace

int main() {
  const std::string input((std::istreambuf_iterator<char>(std::cin)),
                          std::istreambuf_iterator<char>());
  const auto questions = parse_json(input);
  if (!questions || !questions->is_list()) {
    std::fputs("expected a JSON list of questions\n", stderr);
    return 2;
  }
  List answers;
  for (const Value& question : questions->as_list()) answers.push_back(answer(question));
  std::puts(to_json(Value(std::move(answers))).c_str());
  return 0;
}
