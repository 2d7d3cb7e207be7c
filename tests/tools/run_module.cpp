// run_module NAME JSON_ARGUMENTS [--check] [--diff] [--root FOLDER]
//
// Runs one module as the runner would and prints its result as JSON: for module developers and for
// tests that compare with Ansible. --root changes into FOLDER with chroot, so that commands stay
// inside as well; it needs root. NAME `-` reads lines `NAME JSON_ARGUMENTS` from standard input and
// prints one result line for each.

#include "core/base/json.hpp"
#include "modules/sdk/module.hpp"
#include "modules/sdk/real_system.hpp"

#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

namespace {

using namespace gpustack;           // NOLINT(google-build-using-namespace): a small program
using namespace gpustack::modules;  // NOLINT(google-build-using-namespace)

struct Request {
  std::string name;
  std::string arguments = "{}";
  std::string root;
  bool check = false;
  bool diff = false;
};

int usage() {
  std::fputs("usage: run_module NAME JSON_ARGUMENTS [--check] [--diff] [--root FOLDER]\n", stderr);
  return 5;
}

Value run_one(const std::string& name, const std::string& text, const Request& request) {
  const ModuleSpec* spec = find_module(name);
  if (spec == nullptr) return failure(Error(ErrorCode::unknown_module, "no module '" + name + "'"));
  const auto arguments = parse_json(text);
  if (!arguments) return failure(arguments.error());
  const auto checked = check_arguments(*spec, *arguments);
  if (!checked) return failure(checked.error());
  RealSystemOptions options;
  options.environment = process_environment();
  options.check_mode = request.check;
  options.diff_mode = request.diff;
  options.queries = std::string(spec->queries);
  RealSystem system(std::move(options));
  return run_module(*spec, *checked, system);
}

int run_lines(const Request& request) {
  for (std::string line; std::getline(std::cin, line);) {
    const std::size_t space = line.find(' ');
    const std::string arguments = space == std::string::npos ? "{}" : line.substr(space + 1);
    std::cout << to_json(run_one(line.substr(0, space), arguments, request)) << '\n' << std::flush;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Request request;
  std::vector<std::string> words;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--check") {
      request.check = true;
    } else if (word == "--diff") {
      request.diff = true;
    } else if (word == "--root" && i + 1 < argc) {
      request.root = argv[++i];
    } else {
      words.push_back(word);
    }
  }
  if (words.empty() || words.size() > 2) return usage();
  if (!request.root.empty() && (::chroot(request.root.c_str()) != 0 || ::chdir("/") != 0)) {
    std::perror(("cannot enter " + request.root).c_str());
    return 1;
  }
  request.name = words[0];
  if (words.size() > 1) request.arguments = words[1];
  if (request.name == "-") return run_lines(request);
  const Value result = run_one(request.name, request.arguments, request);
  std::cout << to_json(result, JsonStyle{.indent = 2}) << '\n';
  return result.get("failed").truthy() ? 2 : 0;
}
