#include "core/gpu/build_advice.hpp"

#include "core/regex/regex.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>
#include <optional>

namespace gpustack::gpu {

namespace {

/// A command that takes the processor when an image is built.
struct Compiler {
  std::string_view pattern;
  std::string_view language;  ///< empty: no cross compiler helps
};
constexpr Compiler kCompilers[] = {
    {R"(\bgo\s+(?:build|install)\b)", "go"},
    {R"(\bcargo\s+(?:build|install)\b)", "rust"},
    {R"(\b(?:cmake|ninja|make|meson|bazel|scons)\b(?!\s*=))", "c"},
    {R"((?<![\w-])(?:gcc|g\+\+|clang(?:\+\+)?|nvcc|\./configure)(?![\w-]))", "c"},
    {R"(\bpip3?\s+(?:install|wheel)\b.*--no-binary|\bpip3?\s+wheel\b|setup\.py\s+(?:build|install|bdist_wheel))",
     ""},
    {R"(\bnpm\s+rebuild\b|--build-from-source|\bnode-gyp\b)", ""},
};
constexpr std::string_view kInstaller =
    R"(\b(?:apt-get|apt|dnf|yum|apk|microdnf)\s+(?:-\S+\s+)*(?:install|add)\b|\bpip3?\s+install\b|\b(?:npm|yarn|pnpm)\s+(?:ci|install)\b)";
/// Programs that an installer only fetches are no work: `apt-get install make`.
constexpr std::string_view kSeparators = R"(&&|\|\||;|\|)";

/// Instructions of a Dockerfile with continued lines in one, each with the number of its first
/// line.
std::vector<std::pair<std::size_t, std::string>> instructions(std::string_view text) {
  std::vector<std::pair<std::size_t, std::string>> out;
  const auto lines = modules::split_lines(text);
  std::string whole;
  std::size_t first = 0;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string_view line = modules::trim(lines[i]);
    if (line.starts_with('#') || (whole.empty() && line.empty())) continue;
    if (whole.empty()) first = i + 1;
    const bool continues = line.ends_with('\\');
    whole += std::string(continues ? line.substr(0, line.size() - 1) : line) + " ";
    if (continues) continue;
    out.emplace_back(first, std::move(whole));
    whole.clear();
  }
  if (!whole.empty()) out.emplace_back(first, std::move(whole));
  return out;
}

bool matches(std::string_view pattern, std::string_view text) {
  const auto compiled = regex::Pattern::compile(pattern);
  if (!compiled) return false;
  const auto found = compiled->search(text);
  return found && found->has_value();
}

std::vector<std::string> steps_of(std::string_view run) {
  const auto compiled = regex::Pattern::compile(kSeparators);
  if (!compiled) return {std::string(run)};
  auto parts = compiled->split(run);
  return parts ? std::move(*parts) : std::vector<std::string>{std::string(run)};
}

void add_step(BuildWork& work, std::size_t line, const std::string& step) {
  const std::string shown =
      std::to_string(line) + ": " + std::string(modules::trim(step)).substr(0, 60);
  const bool is_install = matches(kInstaller, step);
  for (const Compiler& one : kCompilers) {
    // What is installed by name does not run.
    if (is_install && !one.language.empty()) continue;
    if (!matches(one.pattern, step)) continue;
    work.compiles.push_back(shown);
    const std::string language(one.language);
    if (std::ranges::find(work.languages, language) == work.languages.end())
      work.languages.push_back(language);
    return;
  }
  if (is_install) work.installs.push_back(shown);
}

std::string architecture_of(const std::string& platform) {
  const auto parts = modules::split(platform, '/');
  return parts.size() > 1 ? parts[1] : platform;
}

bool is_native(const BuildQuestion& question) {
  return std::ranges::all_of(question.targets, [&](const std::string& one) {
    return without_variant(one) == without_variant(question.builder);
  });
}

std::vector<std::string> build_commands(const BuildQuestion& question) {
  if (question.has_buildah) {
    std::vector<std::string> commands{"buildah manifest create " + question.tag};
    for (const std::string& target : question.targets) {
      commands.push_back("buildah build --platform " + without_variant(target) + " --manifest " +
                         question.tag + " " + question.folder);
    }
    commands.push_back("buildah manifest push --all " + question.tag + " docker://" + question.tag);
    return commands;
  }
  std::vector<std::string> platforms;
  for (const std::string& one : question.targets) platforms.push_back(without_variant(one));
  // An engine's own store holds one platform; an index of several goes to a registry.
  const std::string where = platforms.size() > 1 ? " --push " : " --load ";
  return {"docker buildx build --platform " + modules::join(platforms, ",") + " -t " +
          question.tag + where + question.folder};
}

BuildAdvice remote_build(const BuildQuestion& question) {
  BuildAdvice advice;
  advice.method = "remote";
  advice.reasons.push_back("'" + question.native_host +
                           "' is of that platform and builds without translation");
  if (question.has_buildah && question.targets.size() > 1) {
    advice.commands = build_commands(question);
    advice.warnings.push_back("run 'buildah build' for its platform on " + question.native_host +
                              " and push from there into the same manifest");
    return advice;
  }
  if (question.has_buildah) {
    advice.commands = {
        "podman system connection add native ssh://" + question.native_host,
        "podman --connection native build -t " + question.tag + " " + question.folder};
    return advice;
  }
  advice.commands = {"docker buildx create --name native --platform " +
                     without_variant(question.targets.front()) + " ssh://" + question.native_host};
  if (question.targets.size() > 1)
    advice.commands.emplace_back("docker buildx create --name native --append");
  advice.commands.emplace_back("docker buildx use native");
  for (std::string& one : build_commands(question)) advice.commands.push_back(std::move(one));
  return advice;
}

BuildAdvice cross_build(const BuildQuestion& question, const BuildWork& work) {
  BuildAdvice advice;
  advice.method = "cross";
  const std::string language = work.languages.front();
  const std::string target = architecture_of(question.targets.front());
  if (language == "go") {
    advice.reasons.emplace_back("Go compiles for any platform on any other");
    advice.dockerfile = {
        "FROM --platform=$BUILDPLATFORM golang:1.24 AS build",
        "ARG TARGETOS TARGETARCH",
        "RUN GOOS=$TARGETOS GOARCH=$TARGETARCH CGO_ENABLED=0 go build -o /out/app ."};
  } else if (language == "rust") {
    advice.reasons.emplace_back("Rust compiles for a target it has been given");
    advice.dockerfile = {"FROM --platform=$BUILDPLATFORM rust:1 AS build",
                         "RUN rustup target add aarch64-unknown-linux-gnu",
                         "RUN cargo build --release --target aarch64-unknown-linux-gnu"};
  } else {
    advice.reasons.emplace_back("C and C++ compile with the distribution's cross compiler");
    advice.dockerfile = {
        "FROM --platform=$BUILDPLATFORM debian:12 AS build",
        "RUN dpkg --add-architecture " + target +
            " && apt-get update && apt-get "
            "install -y crossbuild-essential-" +
            target,
        "RUN cmake -S . -B build -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=" +
            std::string(target == "arm64" ? "aarch64" : "x86_64") + " -DCMAKE_CXX_COMPILER=" +
            (target == "arm64" ? "aarch64" : "x86_64") + "-linux-gnu-g++ && cmake --build build"};
    advice.warnings.emplace_back("libraries it links have to be installed for " + target +
                                 " as well (package:" + target + ")");
  }
  advice.dockerfile.emplace_back("FROM debian:12-slim");
  advice.dockerfile.emplace_back("COPY --from=build /out/app /usr/local/bin/app");
  for (std::string& one : build_commands(question)) advice.commands.push_back(std::move(one));
  for (std::size_t i = 1; i < work.languages.size(); ++i) {
    advice.warnings.push_back("it compiles " + work.languages[i] +
                              ", too, which needs a cross compiler of its own");
  }
  advice.reasons.emplace_back("only the last stage is of the target, and nothing heavy runs in it");
  return advice;
}

BuildAdvice emulated_build(const BuildQuestion& question, const BuildWork& work) {
  BuildAdvice advice;
  advice.method = "emulated";
  advice.reasons.push_back(
      work.compiles.empty()
          ? "it installs packages and compiles nothing, which is bearable under emulation"
          : "no cross compiler helps with what it compiles, and no builder of the target is named");
  if (!work.compiles.empty()) {
    advice.warnings.push_back(
        "what compiles takes about 7 times as long as natively (3 minutes became 22 for "
        "librealsense; 5 to 20 times elsewhere): line " +
        modules::join(work.compiles, ", line "));
    advice.warnings.emplace_back("name a host of the target's platform, and it builds there");
  }
  if (!question.has_emulator) {
    for (const std::string& target : question.targets) {
      if (without_variant(target) == without_variant(question.builder)) continue;
      advice.commands.push_back("docker run --privileged --rm tonistiigi/binfmt --install " +
                                architecture_of(target));
      advice.warnings.push_back("the builder's kernel has no handler " + emulator_of(target) +
                                " (/proc/sys/fs/binfmt_misc): the first command adds it");
    }
  }
  for (std::string& one : build_commands(question)) advice.commands.push_back(std::move(one));
  return advice;
}

}  // namespace

std::string without_variant(const std::string& platform) {
  const auto parts = modules::split(platform, '/');
  // arm has real differences between its variants, arm64 has v8 alone.
  if (parts.size() != 3 || parts[1] == "arm") return platform;
  return parts[0] + "/" + parts[1];
}

std::string emulator_of(const std::string& platform) {
  const std::string architecture = architecture_of(platform);
  if (architecture == "arm64") return "qemu-aarch64";
  return architecture == "amd64" ? "qemu-x86_64" : "qemu-" + architecture;
}

BuildWork work_of_dockerfile(std::string_view text) {
  BuildWork work;
  for (const auto& [line, instruction] : instructions(text)) {
    const auto words = modules::split_words(instruction);
    const std::string verb = modules::upper(words.front());
    if (verb == "FROM") {
      for (std::size_t i = 1; i < words.size(); ++i) {
        if (words[i].starts_with("--platform=$BUILDPLATFORM") ||
            words[i].starts_with("--platform=${BUILDPLATFORM}"))
          work.uses_build_platform = true;
        if (words[i].starts_with("--")) continue;
        work.stages.push_back(words[i]);
        break;
      }
    }
    if (verb != "RUN") continue;
    for (const std::string& step : steps_of(std::string_view(instruction).substr(3)))
      add_step(work, line, step);
  }
  return work;
}

BuildAdvice advise_build(const BuildQuestion& question, const BuildWork& work) {
  if (is_native(question)) {
    BuildAdvice advice;
    advice.method = "native";
    advice.reasons.push_back("the builder is " + question.builder + " itself");
    advice.commands = {std::string(question.has_buildah ? "buildah build" : "docker build") +
                       " -t " + question.tag + " " + question.folder};
    return advice;
  }
  if (!question.native_host.empty()) return remote_build(question);
  if (work.compiles.empty()) return emulated_build(question, work);
  if (work.uses_build_platform) {
    BuildAdvice advice;
    advice.method = "cross";
    advice.reasons.emplace_back("a stage runs on $BUILDPLATFORM already");
    advice.commands = build_commands(question);
    return advice;
  }
  const bool has_cross =
      std::ranges::none_of(work.languages, [](const std::string& one) { return one.empty(); });
  return has_cross ? cross_build(question, work) : emulated_build(question, work);
}

std::string advice_text(const BuildQuestion& question, const BuildAdvice& advice) {
  std::string out = "Build " + question.tag + " for " + modules::join(question.targets, ", ") +
                    " on " + question.builder + ": " + advice.method + "\n";
  for (const std::string& one : advice.reasons) out += "  because " + one + "\n";
  for (const std::string& one : advice.warnings) out += "  warning: " + one + "\n";
  if (!advice.dockerfile.empty()) out += "\nIn the Dockerfile:\n\n";
  for (const std::string& one : advice.dockerfile) out += "    " + one + "\n";
  out += "\nCommands:\n\n";
  for (const std::string& one : advice.commands) out += "    " + one + "\n";
  return out;
}

Value advice_data(const BuildQuestion& question, const BuildAdvice& advice) {
  const auto texts = [](const std::vector<std::string>& all) {
    List items;
    for (const std::string& one : all) items.emplace_back(one);
    return Value(std::move(items));
  };
  return Value::map({{"builder", question.builder},
                     {"targets", texts(question.targets)},
                     {"method", advice.method},
                     {"reasons", texts(advice.reasons)},
                     {"warnings", texts(advice.warnings)},
                     {"dockerfile", texts(advice.dockerfile)},
                     {"commands", texts(advice.commands)}});
}

}  // namespace gpustack::gpu
