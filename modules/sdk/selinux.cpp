#include "modules/sdk/selinux.hpp"

#include "modules/sdk/text.hpp"

#include <array>

namespace gpustack::modules {

namespace {

struct Part {
  std::string_view argument;
  std::string_view option;  ///< of chcon(1)
};
constexpr std::array kParts = {
    Part{"seuser", "-u"}, Part{"serole", "-r"}, Part{"setype", "-t"}, Part{"selevel", "-l"}};

/// user:role:type:level, where the level may hold colons of its own.
std::vector<std::string> context_parts(std::string_view text) {
  std::vector<std::string> parts;
  text = trim(text);
  for (std::size_t i = 0; i + 1 < kParts.size(); ++i) {
    const std::size_t colon = std::min(text.find(':'), text.size());
    parts.emplace_back(text.substr(0, colon));
    text.remove_prefix(std::min(colon + 1, text.size()));
  }
  parts.emplace_back(text);
  return parts;
}

Result<std::vector<std::string>> ask(const SystemView& view,
                                     std::vector<std::string> argv,
                                     const std::string& what) {
  Command command;
  command.argv = std::move(argv);
  command.environment = {{"LC_ALL", "C"}};
  GS_TRY(const CommandResult done, view.query(command));
  if (done.status != 0)
    return Error(ErrorCode::module_failed, what + ": " + std::string(trim(done.errors)));
  return context_parts(done.output);
}

}  // namespace

Result<bool> plan_context(Plan& plan,
                          const Args& args,
                          const SystemView& view,
                          const std::string& path,
                          bool exists,
                          Value* before,
                          Value* after) {
  bool asked = false;
  bool needs_default = false;
  for (const Part& part : kParts) {
    asked = asked || args.has(part.argument);
    needs_default = needs_default || args.text(part.argument) == "_default";
  }
  if (!asked) return false;
  GS_TRY(const auto enabled, view.stat("/sys/fs/selinux/enforce"));
  if (!enabled) return false;

  std::vector<std::string> present(kParts.size());
  std::vector<std::string> standard(kParts.size());
  if (exists) {
    GS_TRY(present,
           ask(view,
               {"stat", "-c", "%C", path},
               "the SELinux context of '" + path + "' cannot be read"));
  }
  if (needs_default) {
    GS_TRY(standard,
           ask(view,
               {"matchpathcon", "-n", path},
               "the policy has no SELinux context for '" + path + "'"));
  }
  RunCommand change;
  change.what = "the SELinux context of '" + path + "' cannot be set";
  change.command.argv = {"chcon", "-h"};
  std::vector<std::string> wanted = present;
  for (std::size_t i = 0; i < kParts.size(); ++i) {
    if (!args.has(kParts[i].argument)) continue;
    const std::string text = args.text(kParts[i].argument);
    wanted[i] = text == "_default" ? standard[i] : text;
    if (wanted[i].empty() || wanted[i] == present[i]) continue;
    change.command.argv.emplace_back(kParts[i].option);
    change.command.argv.push_back(wanted[i]);
  }
  if (wanted == present || change.command.argv.size() == 2) return false;
  change.command.argv.push_back(path);
  plan.step(std::move(change));
  if (before != nullptr) {
    before->set("secontext", Value(join(present, ":")));
    after->set("secontext", Value(join(wanted, ":")));
  }
  return true;
}

}  // namespace gpustack::modules
