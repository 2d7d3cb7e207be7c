#include "modules/builtin/support/plan_steps.hpp"

#include "modules/builtin/support/command_result.hpp"
#include "modules/sdk/text.hpp"

namespace gpustack::modules {

void show_change(
    Plan& plan, std::string_view field, Value before, Value after, const std::string& header) {
  Value old{Map()};
  Value now{Map()};
  old.set(field, std::move(before));
  now.set(field, std::move(after));
  plan.diff(std::move(old), std::move(now), header, header);
}

void add_words(std::vector<std::string>& argv, std::string_view text) {
  for (std::string& word : split_words(text)) argv.push_back(std::move(word));
}

void add_finishing_step(Plan& plan, std::vector<std::string> argv, std::string what) {
  plan.changed = true;
  Command command = parsable_command(std::move(argv));
  command.must_finish = true;
  plan.step(RunCommand{std::move(command), std::move(what)});
}

}  // namespace gpustack::modules
