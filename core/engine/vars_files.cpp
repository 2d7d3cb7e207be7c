// The `vars_files` of a play.
#include "core/engine/run.hpp"
#include "core/engine/services.hpp"

namespace gpustack::engine {

namespace {

/// What became of one entry of vars_files.
struct VarsFilesEntry {
  Value values;             ///< of the first candidate that exists
  bool is_waiting = false;  ///< it cannot be named before facts are known
};

Result<Value> load_vars(const std::string& path, yaml::VaultReader* vault) {
  GS_TRY(auto document, yaml::load_file(path, vault));
  Value values = document.root.to_value();
  if (!values.is_map() && !values.is_null()) {
    return Error(ErrorCode::yaml_type, "vars file '" + path + "' must hold a dictionary")
        .at(document.root.span());
  }
  return values;
}

/// @param entry  a file's name, or a list of names of which the first that exists is taken
Result<VarsFilesEntry> load_entry(Scope& scope, const Value& entry, SourceSpan play_span) {
  const List candidates = entry.is_list() ? entry.as_list() : List{entry};
  VarsFilesEntry loaded;
  std::string tried;
  for (const Value& candidate : candidates) {
    auto rendered = scope.render(candidate);
    if (!rendered) {
      loaded.is_waiting =
          rendered.error().code() == ErrorCode::undefined_variable && !scope.host().facts_gathered;
      if (loaded.is_waiting) return loaded;
      return Error(std::move(rendered).error());
    }
    const std::string name = to_text(*rendered);
    tried += (tried.empty() ? "" : ", ") + name;
    ControllerServices services(scope);
    const auto path = services.find_file("vars", name);
    if (!path) continue;
    GS_TRY(loaded.values, load_vars(*path, scope.run().vault));
    return loaded;
  }
  const Origin* origin = candidates.empty() ? nullptr : candidates.front().origin();
  return Error(ErrorCode::file_not_found, "the vars file '" + tried + "' could not be found")
      .at(origin != nullptr ? origin->span : play_span);
}

}  // namespace

Result<void> Run::load_vars_files(const play::Play& play,
                                  const std::vector<Value>& entries,
                                  PlayState& play_state,
                                  HostState& host) {
  Value merged{Map()};
  play_state.vars_files_waiting.erase(host.name);
  for (const Value& entry : entries) {
    Scope scope(state_, &play_state, host, &play);
    GS_TRY(const VarsFilesEntry loaded, load_entry(scope, entry, play.span));
    if (loaded.is_waiting) {
      const Origin* origin = entry.origin();
      play_state.vars_files_waiting.emplace(host.name,
                                            origin != nullptr ? origin->span : play.span);
      continue;
    }
    merge_into(merged, loaded.values, state_.options.merge_hashes);
    play_state.vars_files[host.name] = merged;  // a later entry's name may use it
  }
  play_state.vars_files[host.name] = std::move(merged);
  ++host.steering_changes;
  return {};
}

}  // namespace gpustack::engine
