#include "modules/runner/become_command.hpp"

#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::runner {

namespace {

using modules::shell_quote;

// The flags Ansible gives sudo unless the user sets others: -H the target's home, -S password from
// standard input.
constexpr std::string_view kSudoFlags = "-H -S";

Result<std::vector<std::string>> words_of(const std::string& flags) {
  auto words = modules::shell_split(flags);
  if (!words)
    return Error(ErrorCode::become_failed, "the become flags '" + flags + "' have an open quote");
  return *words;
}

void add(std::vector<std::string>& argv, const std::vector<std::string>& more) {
  argv.insert(argv.end(), more.begin(), more.end());
}

BecomeCommand sudo(const wire::OpenBecome& request,
                   const std::vector<std::string>& flags,
                   const std::vector<std::string>& runner,
                   const std::string& nonce) {
  BecomeCommand out;
  out.argv = {request.executable.empty() ? "sudo" : request.executable};
  for (const std::string& flag : flags) {
    // -n forbids the question that a password is meant to answer.
    if (flag != "-n" && flag != "--non-interactive") out.argv.push_back(flag);
  }
  if (!request.password) {
    out.argv.emplace_back("-n");
    out.may_ask = false;
  } else {
    out.prompt = "[gs-" + nonce + "] password: ";
    if (std::find(out.argv.begin(), out.argv.end(), "-S") == out.argv.end())
      out.argv.emplace_back("-S");
    add(out.argv, {"-p", out.prompt});
  }
  add(out.argv, {"-u", request.user, "--"});
  add(out.argv, runner);
  return out;
}

}  // namespace

Result<BecomeCommand> make_become_command(const wire::OpenBecome& request,
                                          const std::vector<std::string>& runner,
                                          const std::string& nonce) {
  if (request.user.empty() || request.user.starts_with('-') ||
      request.user.find('\n') != std::string::npos) {
    return Error(ErrorCode::become_failed, "'" + request.user + "' is not a user name");
  }
  GS_TRY(const auto flags,
         words_of(request.flags.empty() && request.method == "sudo" ? std::string(kSudoFlags)
                                                                    : request.flags));
  if (request.method == "sudo") return sudo(request, flags, runner, nonce);
  BecomeCommand out;
  out.needs_terminal = true;
  if (request.method == "doas") {
    out.argv = {request.executable.empty() ? "doas" : request.executable};
    add(out.argv, flags);
    if (!request.password) {
      out.argv.emplace_back("-n");
      out.may_ask = false;
    }
    add(out.argv, {"-u", request.user});
    add(out.argv, runner);
    return out;
  }
  if (request.method == "su") {
    std::string line = "exec";
    for (const std::string& word : runner) line += " " + shell_quote(word);
    out.argv = {request.executable.empty() ? "su" : request.executable};
    add(out.argv, flags);
    add(out.argv, {request.user, "-c", line});
    return out;
  }
  return Error(ErrorCode::become_failed,
               "unknown become method '" + request.method + "', expected sudo, su or doas");
}

std::string shown_command(const BecomeCommand& command) {
  std::string line;
  for (const std::string& word : command.argv) {
    if (!line.empty()) line += ' ';
    line += shell_quote(word);
  }
  return line;
}

bool asks_for_password(const BecomeCommand& command, std::string_view text) {
  if (command.argv.empty() || !command.may_ask) return false;
  if (!command.prompt.empty()) return text.find(command.prompt) != std::string_view::npos;
  // The question is in the user's language, but it ends in a colon in all of them.
  const std::size_t line = text.rfind('\n');
  const std::string_view last =
      modules::trim(line == std::string_view::npos ? text : text.substr(line + 1));
  const std::string_view program = command.argv.front();
  const std::string name(program.substr(program.rfind('/') + 1));
  if (last == name + ":") return false;
  return last.ends_with(':') || last.ends_with("\xEF\xBC\x9A");
}

bool insists_on_terminal(std::string_view text) {
  return text.find("must have a tty") != std::string_view::npos ||
         text.find("a terminal is required") != std::string_view::npos;
}

}  // namespace gpustack::runner
