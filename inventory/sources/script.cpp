#include "core/base/json.hpp"
#include "core/base/shown_path.hpp"
#include "core/process/run.hpp"
#include "inventory/sources/source.hpp"
#include "inventory/text.hpp"

#include <unordered_set>

namespace gpustack::inventory {

namespace {

Error script_error(const std::string& path, const std::string& what) {
  return Error(ErrorCode::inventory_script,
               "the inventory script '" + shown_path(path) + "' " + what);
}

std::string last_line(const std::string& errors) {
  const std::string_view text = trimmed(errors);
  const std::size_t start = text.rfind('\n');
  return std::string(text.substr(start == std::string_view::npos ? 0 : start + 1).substr(0, 300));
}

class ScriptReader {
 public:
  ScriptReader(SourceContext& context, std::string path)
      : context_(context), path_(std::move(path)) {}

  Result<void> read() {
    GS_TRY(const Value list, run({"--list"}));
    if (!list.is_map())
      return script_error(
          path_, "printed " + std::string(type_name(list)) + " where a JSON object is expected");
    const Value* meta = list.find("_meta");
    const Value* host_variables = meta == nullptr ? nullptr : meta->find("hostvars");
    for (const Map::Entry& entry : list.as_map()) {
      if (entry.key.as_string() != "_meta")
        GS_TRY_VOID(read_group(entry.key.as_string(), entry.value));
    }
    for (Host* host : hosts_) {
      Value variables;
      if (host_variables != nullptr) {
        if (!host_variables->is_map())
          return script_error(path_, "printed a '_meta.hostvars' that is not an object");
        variables = host_variables->get(host->name());
      } else {
        GS_TRY(variables, run({"--host", host->name()}));
      }
      GS_TRY_VOID(set_all(*host, variables));
    }
    return {};
  }

 private:
  Result<Value> run(const std::vector<std::string>& options) {
    process::Command command;
    command.arguments = {path_};
    command.arguments.insert(command.arguments.end(), options.begin(), options.end());
    command.timeout = context_.options.script_timeout;
    GS_TRY(const process::Finished done, process::run(command));
    if (done.exit_code != 0) {
      return script_error(path_, "ended with exit code " + std::to_string(done.exit_code))
          .hint(last_line(done.errors));
    }
    if (options.size() > 1 && trimmed(done.output).empty()) return Value(Map());
    auto value = parse_json(done.output);
    if (!value) {
      return script_error(path_, "printed something that is not JSON: " + value.error().message())
          .hint(last_line(done.errors));
    }
    return with_ansible_types(*value, context_.options.vault, {});
  }

  Result<void> read_group(const std::string& name, const Value& written) {
    GS_TRY(Group* const group, context_.data.add_group(name, {}));
    Value body = written;
    if (!body.is_map()) {
      body = Value::map({{Value("hosts"), written}});
    } else if (body.find("hosts") == nullptr && body.find("vars") == nullptr &&
               body.find("children") == nullptr) {
      body = Value::map({{Value("hosts"), Value::list({Value(name)})}, {Value("vars"), written}});
    }
    if (const Value* hosts = body.find("hosts")) GS_TRY_VOID(read_hosts(*group, *hosts));
    if (const Value* variables = body.find("vars")) {
      if (!variables->is_map())
        return script_error(path_, "gives the group '" + name + "' 'vars' that are not an object");
      for (const Map::Entry& entry : variables->as_map())
        GS_TRY_VOID(context_.data.set(*group, {entry.key, entry.value, {}}));
    }
    const Value* children = body.find("children");
    if (children == nullptr) return {};
    if (!children->is_list())
      return script_error(path_, "gives the group '" + name + "' 'children' that are not a list");
    for (const Value& child : children->as_list()) {
      if (!child.is_string())
        return script_error(path_, "gives the group '" + name + "' a child that is not a name");
      GS_TRY(Group* const below, context_.data.add_group(child.as_string(), {}));
      GS_TRY_VOID(context_.data.add_child(*group, *below, {}));
    }
    return {};
  }

  Result<void> read_hosts(Group& group, const Value& hosts) {
    if (!hosts.is_list())
      return script_error(path_,
                          "gives the group '" + group.name() + "' 'hosts' that are not a list");
    for (const Value& name : hosts.as_list()) {
      if (!name.is_string()) {
        return script_error(
            path_,
            "gives the group '" + group.name() + "' a host that is not a name: " + to_json(name));
      }
      GS_TRY(Host* const host, context_.data.add_host(name.as_string(), std::nullopt, {}));
      context_.data.put_into(*host, group);
      if (seen_.insert(host).second) hosts_.push_back(host);
    }
    return {};
  }

  Result<void> set_all(Host& host, const Value& variables) {
    if (variables.is_null()) return {};
    if (!variables.is_map())
      return script_error(path_,
                          "gives the host '" + host.name() + "' variables that are not an object");
    for (const Map::Entry& entry : variables.as_map())
      context_.data.set(host, {entry.key, entry.value, {}});
    return {};
  }

  SourceContext& context_;
  std::string path_;
  std::vector<Host*> hosts_;
  std::unordered_set<const Host*> seen_;
};

}  // namespace

Result<Value> with_ansible_types(const Value& value, yaml::VaultReader* vault, SourceSpan span) {
  if (value.is_list()) {
    List items;
    items.reserve(value.size());
    for (const Value& item : value.as_list()) {
      GS_TRY(Value typed, with_ansible_types(item, vault, span));
      items.push_back(std::move(typed));
    }
    return Value(std::move(items));
  }
  if (!value.is_map()) return value;
  Map entries;
  entries.reserve(value.size());
  for (const Map::Entry& entry : value.as_map()) {
    GS_TRY(Value typed, with_ansible_types(entry.value, vault, span));
    const std::string name = to_text(entry.key);
    if (name == "__ansible_unsafe") return typed.marked(Mark::unsafe);
    if (name == "__ansible_vault" && typed.is_string()) {
      if (vault == nullptr) {
        return Error(ErrorCode::vault_no_secret,
                     "a value is encrypted, and no vault password was given")
            .at(span);
      }
      return vault->open_value(typed.as_string(), span);
    }
    entries.set(entry.key, std::move(typed));
  }
  return Value(std::move(entries));
}

const SourceKind kScriptKind{
    .name = "script",
    .wants = [](OpenedSource& source) { return source.is_program(); },
    .read = [](SourceContext& context,
               OpenedSource& source) { return ScriptReader(context, source.name()).read(); }};

}  // namespace gpustack::inventory
