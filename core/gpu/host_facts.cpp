#include "core/gpu/host_facts.hpp"

#include "core/base/json.hpp"

#include <utility>

namespace gpustack::gpu {

namespace {

/// The name under which `setup` tells the platform facts, and the one under which templates know
/// them.
const Value& platform_of(const Value& facts) {
  const Value& told = facts.get("ansible_gpustack");
  return told.is_map() ? told : facts.get("gpustack");
}

bool is_platform(const Value& value) {
  return value.get("profile").is_string() && value.get("arch").is_string();
}

/// The parts of the platform facts that others are read from, and what they are.
struct Part {
  std::string_view name;
  bool is_list;
};
constexpr Part kParts[] = {{"gpus", true},
                           {"problems", true},
                           {"board", false},
                           {"cpu", false},
                           {"driver", false},
                           {"l4t", false},
                           {"jetpack", false},
                           {"cuda", false},
                           {"memory", false},
                           {"kernel", false},
                           {"slicing", false},
                           {"virt", false},
                           {"runtime", false}};

/// A part of another type would be read as one that says nothing.
Result<void> check_parts(const HostFacts& host, const std::string& source) {
  const auto refused = [&](const std::string& what) {
    return Error(ErrorCode::usage, "'" + source + "': '" + host.host + "': " + what)
        .hint("'gpustack facts HOST' prints what is read here");
  };
  for (const Part& part : kParts) {
    const Value& value = host.platform.get(part.name);
    if (value.is_null()) continue;
    if (part.is_list ? !value.is_list() : !value.is_map())
      return refused(std::string(part.name) + " is no " + (part.is_list ? "list" : "map") +
                     ", found " + to_text(value).substr(0, 40));
    if (!part.is_list) continue;
    for (const Value& one : value.as_list()) {
      if (!one.is_map())
        return refused(std::string(part.name) + " holds " + to_text(one).substr(0, 40) +
                       ", expected maps");
    }
  }
  return {};
}

/// `/tmp/orin-01.json` is about orin-01.
std::string name_from(const std::string& source) {
  const std::size_t slash = source.rfind('/');
  std::string name = slash == std::string::npos ? source : source.substr(slash + 1);
  if (const std::size_t dot = name.rfind('.'); dot != std::string::npos && dot > 0)
    name.resize(dot);
  return name.empty() || name == "-" ? "host" : name;
}

/// The facts of one host, in any of the forms in which one is kept; no platform when it is none.
HostFacts one_host(const std::string& name, const Value& value) {
  if (is_platform(value)) return {name, Value(), value};
  if (value.get("ansible_facts").is_map()) return host_facts(name, value.get("ansible_facts"));
  return host_facts(name, value);
}

}  // namespace

HostFacts host_facts(std::string host, const Value& ansible_facts) {
  const Value& platform = platform_of(ansible_facts);
  return {std::move(host), ansible_facts, is_platform(platform) ? platform : Value()};
}

Result<std::vector<HostFacts>> parse_recorded_facts(std::string_view text,
                                                    const std::string& source) {
  auto value = parse_json(text);
  if (!value) {
    return Error(ErrorCode::usage, "'" + source + "': " + value.error().message())
        .hint("'gpustack facts HOST' prints what is read here");
  }
  if (HostFacts one = one_host(name_from(source), *value); one.platform.is_map()) {
    if (const std::string node = fact_text(one.all, "ansible_nodename"); !node.empty())
      one.host = node;
    GS_TRY_VOID(check_parts(one, source));
    return std::vector<HostFacts>{std::move(one)};
  }
  std::vector<HostFacts> hosts;
  if (value->is_map()) {
    for (const auto& [name, facts] : value->as_map()) {
      HostFacts one = one_host(to_text(name), facts);
      if (!one.platform.is_map()) {
        return Error(ErrorCode::usage,
                     "'" + source + "': '" + one.host + "' has no platform facts (gpustack)")
            .hint("'gpustack facts HOST' prints what is read here");
      }
      GS_TRY_VOID(check_parts(one, source));
      hosts.push_back(std::move(one));
    }
  }
  if (!hosts.empty()) return hosts;
  return Error(ErrorCode::usage, "'" + source + "' holds no facts of a host")
      .hint("'gpustack facts HOST' prints what is read here");
}

const Value& fact(const Value& facts, std::string_view path) {
  const Value* here = &facts;
  while (true) {
    const std::size_t dot = path.find('.');
    here = &here->get(path.substr(0, dot));
    if (dot == std::string_view::npos) return *here;
    path.remove_prefix(dot + 1);
  }
}

std::string fact_text(const Value& facts, std::string_view path) {
  const Value& value = fact(facts, path);
  return value.is_null() ? std::string() : to_text(value);
}

bool fact_true(const Value& facts, std::string_view path) { return fact(facts, path).truthy(); }

std::vector<std::string> fact_list(const Value& facts, std::string_view path) {
  std::vector<std::string> texts;
  const Value& value = fact(facts, path);
  if (!value.is_list()) return texts;
  for (const Value& one : value.as_list()) texts.push_back(to_text(one));
  return texts;
}

}  // namespace gpustack::gpu
