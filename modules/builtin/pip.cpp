#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/file_state.hpp"
#include "modules/builtin/support/pip_program.hpp"
#include "modules/builtin/support/python_requirement.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "name",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "Packages, each with conditions on its version if need be (`numpy>=1.26,<2`), or "
            "addresses and paths that pip can install from."},
    {.name = "version", .doc = "Version of the only package in `name`; not with state `latest`."},
    {.name = "requirements", .doc = "Path of a requirements file on the host."},
    {.name = "virtualenv",
     .type = ArgType::path,
     .doc = "Folder of a virtual environment to work in; made when it is not there."},
    {.name = "virtualenv_site_packages",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "Whether a new environment sees the packages of the system."},
    {.name = "virtualenv_command",
     .type = ArgType::path,
     .fallback = "virtualenv",
     .doc = "What makes the environment, such as `python3 -m venv`."},
    {.name = "virtualenv_python",
     .doc = "Python for a new environment; not with `pyvenv` or the venv module."},
    {.name = "state",
     .fallback = "present",
     .choices = "absent,forcereinstall,latest,present",
     .doc = "Whether the packages are to be there."},
    {.name = "extra_args", .doc = "More words for pip's command line."},
    {.name = "editable",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "Whether to install in development mode (`-e`)."},
    {.name = "chdir", .type = ArgType::path, .doc = "Folder in which pip is started."},
    {.name = "executable",
     .type = ArgType::path,
     .doc = "The pip to use, by path or by name; not with `virtualenv`."},
    {.name = "umask", .doc = "Umask for what is installed, as an octal text."},
};

constexpr ArgRule kRules[] = {
    {.kind = ArgRule::Kind::required_one_of, .names = "name,requirements"},
    {.kind = ArgRule::Kind::mutually_exclusive, .names = "name,requirements"},
    {.kind = ArgRule::Kind::mutually_exclusive, .names = "executable,virtualenv"},
};

constexpr Example kExamples[] = {
    {.title = "An inference server in an environment of its own",
     .yaml = "pip:\n  name: [\"vllm>=0.4,<0.5\", nvidia-ml-py]\n  virtualenv: /opt/vllm\n  "
             "virtualenv_command: python3 -m venv"},
    {.title = "From a folder, without an index",
     .yaml = "pip:\n  requirements: /srv/app/requirements.txt\n  extra_args: --no-index "
             "--find-links=/srv/wheels"},
    {.title = "Gone", .yaml = "pip:\n  name: tensorrt\n  state: absent"},
};

constexpr ResultKey kResults[] = {
    {"cmd", "The words that started pip."},
    {"name", "The packages asked for."},
    {"version", "The version asked for."},
    {"requirements", "The requirements file."},
    {"virtualenv", "The environment."},
    {"state", "What was asked for."},
    {"stdout", "Output of virtualenv and pip."},
    {"stderr", "Errors of virtualenv and pip."},
};

using Words = std::vector<std::string>;

Error refused(std::string message) {
  return Error(ErrorCode::argument_conflict, std::move(message));
}

/// The arguments, checked against each other.
struct Request {
  std::string state;
  std::vector<PythonRequirement> packages;
  std::string requirements;
  std::string environment;
  std::string directory;
  Words extra;
  bool has_extra = false;
  bool uses_version_control = false;
  std::optional<std::uint32_t> umask;
};

bool is_version_control_address(std::string_view name) {
  return std::ranges::any_of(std::initializer_list<std::string_view>{"svn+", "git+", "hg+", "bzr+"},
                             [&](std::string_view start) { return name.starts_with(start); });
}

Result<std::vector<PythonRequirement>> wanted_packages(const Args& args) {
  std::vector<PythonRequirement> out;
  for (const std::string& text : join_requirements(args.texts("name")))
    out.push_back(parse_requirement(text));
  if (!args.has("version")) return out;
  if (out.size() > 1) {
    return refused(
        "'version' argument is ambiguous when installing multiple package distributions. Please "
        "specify version restrictions next to each package in 'name' argument.");
  }
  if (!out[0].specifiers.empty()) {
    return refused(
        "The 'version' argument conflicts with any version specifier provided along with a "
        "package name. Please keep the version specifier, but remove the 'version' argument.");
  }
  out[0] = with_version(out[0], args.text("version"));
  return out;
}

Result<Words> extra_words(const Args& args) {
  std::string text = args.text("extra_args");
  if (args.boolean("editable")) {
    const auto words = split(text, ' ');
    if (std::ranges::find(words, "-e") == words.end()) text += text.empty() ? "-e" : " -e";
  }
  auto words = shell_split(text);
  if (!words) {
    return Error(ErrorCode::invalid_argument, "extra_args has a quote that is not closed: " + text);
  }
  return std::move(*words);
}

Result<Request> read_request(const Args& args, const SystemView& view) {
  Request out;
  out.state = args.text("state");
  if (args.has("umask")) {
    out.umask = parse_octal(args.text("umask"));
    if (!out.umask) {
      return Error(ErrorCode::invalid_argument,
                   "umask must be an octal integer, found '" + args.text("umask") + "'");
    }
  }
  if (out.state == "latest" && args.has("version"))
    return refused("version is incompatible with state=latest");
  if (args.has("name") && !args.texts("name").empty()) {
    GS_TRY(out.packages, wanted_packages(args));
  }
  out.uses_version_control = std::ranges::any_of(args.texts("name"), is_version_control_address);
  out.requirements = args.text("requirements");
  GS_TRY(out.extra, extra_words(args));
  out.has_extra = !args.text("extra_args").empty() || args.boolean("editable");
  const std::string temporary = view.environment("TMPDIR");
  out.directory = args.text("chdir", temporary.empty() ? "/tmp" : temporary);
  out.environment = args.text("virtualenv");
  if (!out.environment.empty() && !out.environment.starts_with('/') && args.has("chdir"))
    out.environment = join_path(out.directory, out.environment);
  return out;
}

Result<bool> is_environment(const SystemView& view, const std::string& folder) {
  return path_exists(view, join_path(folder, "bin/activate"));
}

/// What a dry run can tell without asking an index.
Result<void> foresee(Plan& plan,
                     const Request& request,
                     const SystemView& view,
                     const std::string& executable) {
  if (!request.environment.empty()) {
    GS_TRY(const bool there, is_environment(view, request.environment));
    if (!there) return {};
  }
  GS_TRY(const Words pip, find_pip(view, request.environment, executable));
  // Extra words, requirements files and `latest` are understood by pip alone.
  const bool only_pip_knows = request.has_extra || !request.requirements.empty() ||
                              request.state == "latest" || request.state == "forcereinstall";
  if (only_pip_knows) return {};
  GS_TRY(const PipListing listing, list_packages(view, pip, request.directory));
  const auto is_there = [&](const PythonRequirement& wanted) {
    return std::ranges::any_of(listing.packages, [&](const auto& package) {
      return package.first == wanted.name && wanted.is_fulfilled_by(package.second);
    });
  };
  const bool wants_there = request.state == "present";
  plan.changed = std::ranges::any_of(request.packages, [&](const PythonRequirement& wanted) {
    return is_there(wanted) != wants_there;
  });
  plan.set("cmd", listing.command);
  set_output(plan.result, listing.output, listing.errors);
  return {};
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  GS_TRY(const Request request, read_request(args, view));
  if (request.packages.empty() && request.requirements.empty()) {
    Plan plan = Plan::none();
    add_warning(plan.result, "No valid name or requirements file found.");
    return plan;
  }
  Plan plan = Plan::change();
  plan.state = args.values();
  if (view.check_mode()) {
    GS_TRY_VOID(foresee(plan, request, view, args.text("executable")));
  }
  return plan;
}

/// One run of the module: what was printed so far, and how programs are started.
class Installer {
 public:
  Installer(const Args& args, Request request, System& system)
      : args_(args), request_(std::move(request)), system_(system) {}

  Result<Outcome> run() {
    bool is_new = false;
    if (!request_.environment.empty()) {
      GS_TRY(const bool there, is_environment(system_, request_.environment));
      is_new = !there;
    }
    if (is_new) {
      GS_TRY(auto failed, make_environment());
      if (failed) return std::move(*failed);
    }
    GS_TRY(const Words pip, find_pip(system_, request_.environment, args_.text("executable")));
    return install(pip, is_new);
  }

 private:
  Result<CommandResult> start(Words words, bool in_environment) {
    Command command;
    command.argv = std::move(words);
    command.directory = request_.directory;
    if (request_.umask) {
      command.umask = *request_.umask;
      command.inherit_umask = false;
    }
    // What is built finds the programs of its own environment first.
    if (in_environment && !request_.environment.empty()) {
      command.environment["PATH"] =
          join_path(request_.environment, "bin") + ":" + system_.environment("PATH");
    }
    GS_TRY(CommandResult done, system_.run(command));
    output_ += done.output;
    errors_ += done.errors;
    return done;
  }

  [[nodiscard]] Outcome failed(const Words& words) const {
    return failed_outcome(pip_failure(output_, errors_), Value::map({{"cmd", to_value(words)}}));
  }

  static Value to_value(const Words& words) {
    List out;
    for (const std::string& word : words) out.emplace_back(word);
    return Value(std::move(out));
  }

  Result<Words> environment_command() {
    const std::string text = args_.text("virtualenv_command");
    auto words = shell_split(text);
    if (!words || words->empty()) {
      return Error(ErrorCode::invalid_argument,
                   "expected a command in virtualenv_command, found '" + text + "'");
    }
    const bool is_venv =
        text.find("pyvenv") != std::string::npos || text.find("-m venv") != std::string::npos;
    if (is_venv && args_.has("virtualenv_python")) {
      return refused(
          "virtualenv_python should not be used when using the venv module or pyvenv as "
          "virtualenv_command");
    }
    if (words->front().find('/') == std::string::npos) {
      const std::string path = system_.find_program(words->front());
      if (path.empty()) {
        return Error(ErrorCode::module_failed,
                     "Failed to find required executable \"" + words->front() +
                         "\" in paths: " + system_.environment("PATH"))
            .hint("install it, or set virtualenv_command: python3 -m venv");
      }
      words->front() = path;
    }
    if (args_.boolean("virtualenv_site_packages")) {
      words->push_back("--system-site-packages");
    } else {
      GS_TRY(const bool old, knows_no_site_packages(words->front()));
      if (old) words->push_back("--no-site-packages");
    }
    if (!is_venv) {
      const std::string python = args_.text("virtualenv_python", find_python(system_));
      if (!python.empty()) words->push_back("-p" + python);
    }
    words->push_back(request_.environment);
    return std::move(*words);
  }

  // Old programs share the system's packages unless told otherwise; newer ones have no such option.
  Result<bool> knows_no_site_packages(const std::string& program) {
    GS_TRY(const CommandResult help, system_.run(Command{.argv = {program, "--help"}}));
    if (help.status != 0) {
      return Error(
          ErrorCode::module_failed,
          "Could not get output from " + program + " --help: " + help.output + help.errors);
    }
    const auto words = split_words(help.output);
    return std::ranges::find(words, "--no-site-packages") != words.end();
  }

  Result<std::optional<Outcome>> make_environment() {
    GS_TRY(const Words words, environment_command());
    GS_TRY(const CommandResult done, start(words, false));
    if (done.status != 0) return std::optional<Outcome>(failed(words));
    return std::optional<Outcome>();
  }

  [[nodiscard]] Words pip_words(const Words& pip) const {
    Words words = pip;
    if (request_.state == "absent") {
      words.insert(words.end(), {"uninstall", "-y"});
    } else {
      words.emplace_back("install");
      if (request_.state != "present") words.emplace_back("-U");
      if (request_.state == "forcereinstall") words.emplace_back("--force-reinstall");
    }
    words.insert(words.end(), request_.extra.begin(), request_.extra.end());
    for (const PythonRequirement& package : request_.packages) words.push_back(package.text);
    if (request_.packages.empty()) words.insert(words.end(), {"-r", request_.requirements});
    return words;
  }

  Result<Outcome> install(const Words& pip, bool is_new) {
    const Words words = pip_words(pip);
    // pip's words do not tell whether these changed anything.
    const bool compares = !request_.requirements.empty() || request_.uses_version_control;
    std::string before;
    if (compares) {
      GS_TRY(PipListing listing, list_packages(system_, pip, request_.directory));
      before = std::move(listing.output);
    }
    GS_TRY(const CommandResult done, start(words, true));
    const bool was_absent = request_.state == "absent" && done.status == 1 &&
                            (done.output + done.errors).find("not installed") != std::string::npos;
    if (done.status != 0 && !was_absent) return failed(words);
    bool changed = false;
    if (request_.state == "absent") {
      changed = done.output.find("Successfully uninstalled") != std::string::npos;
    } else if (compares) {
      GS_TRY(const PipListing after, list_packages(system_, pip, request_.directory));
      changed = before != after.output;
    } else {
      changed = done.output.find("Successfully installed") != std::string::npos;
    }
    Outcome outcome{.changed = changed || is_new, .failed = false, .result = Value(Map())};
    outcome.result.set("cmd", to_value(words));
    for (const char* key : {"name", "version", "state", "requirements"})
      outcome.result.set(key, args_.get(key));
    outcome.result.set("virtualenv",
                       request_.environment.empty() ? Value() : Value(request_.environment));
    set_output(outcome.result, output_, errors_);
    return outcome;
  }

  const Args& args_;
  Request request_;
  System& system_;
  std::string output_;
  std::string errors_;
};

Result<Outcome> apply(const Plan& plan, System& system) {
  if (plan.state.is_null()) return apply_steps(plan, system);
  const Args args(plan.state);
  GS_TRY(Request request, read_request(args, system));
  return Installer(args, std::move(request), system).run();
}

}  // namespace

extern const ModuleSpec pip_module;
const ModuleSpec pip_module{.name = "pip",
                            .summary = "Install or remove Python packages with the host's pip.",
                            .args = kArgs,
                            .rules = kRules,
                            .examples = kExamples,
                            .results = kResults,
                            .queries = kPipQueries,
                            .plan = plan,
                            .apply = apply};

}  // namespace gpustack::modules
