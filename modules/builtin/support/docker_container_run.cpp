#include "modules/builtin/support/docker_container_run.hpp"

#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/docker_registry.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

std::string container_path(const std::string& id) { return "/containers/" + docker_name(id); }

/// Null when the daemon has no such image; an id must be there.
Result<Value> find_image(const SystemView& view, const DockerApi& api, const std::string& name) {
  const bool is_id = is_image_id(name);
  const std::string text = is_id ? name : ImageName::parse(name).text();
  GS_TRY(Value image, api.get(view, "/images/" + docker_name(text) + "/json"));
  if (image.is_null() && is_id)
    return Error(ErrorCode::module_failed, "there is no image " + name + " on this host");
  return image;
}

bool is_state(const Value& container, const char* status) {
  return at_path(container, "State.Status") == Value(status);
}

bool is_running(const Value& container) { return at_path(container, "State.Running").truthy(); }

bool is_paused(const Value& container) { return at_path(container, "State.Paused").truthy(); }

Value id_of(const Value& container) { return container.get("Id"); }

void plan_stop(ContainerDecision& out, const Args& args) {
  if (args.boolean("force_kill")) {
    out.actions.push_back(
        Value::map({{"killed", id_of(out.container)}, {"signal", args.get("kill_signal")}}));
  } else {
    out.actions.push_back(
        Value::map({{"stopped", id_of(out.container)}, {"timeout", args.get("stop_timeout")}}));
  }
}

void plan_removal(ContainerDecision& out, const Args& args) {
  if (is_running(out.container)) {
    out.stops = true;
    plan_stop(out, args);
  }
  out.removes = true;
  out.actions.push_back(Value::map({{"removed", id_of(out.container)},
                                    {"volume_state", !args.boolean("keep_volumes", true)},
                                    {"link", false},
                                    {"force", false}}));
}

Result<void> plan_creation(ContainerDecision& out, const Args& args) {
  if (out.image.empty())
    return Error(ErrorCode::missing_argument,
                 "Cannot create container when image is not specified!");
  if (out.lacks_image && args.text("pull") == "never")
    return Error(ErrorCode::module_failed,
                 "there is no image " + out.image + " on this host, and pull is never");
  out.creates = true;
  out.actions.push_back(
      Value::map({{"created", "Created container"},
                  {"create_parameters", container_creation(out.wanted, out.image)}}));
  return {};
}

/// Whether the container has to be made anew.
Result<bool> must_recreate(ContainerDecision& out,
                           const Args& args,
                           const Value& image,
                           const Value& compared) {
  GS_TRY(const Differences different,
         different_options(args, out.wanted, out.container, compared, false));
  bool anew = !different.empty() || args.boolean("recreate");
  if (out.wanted.comparisons["image"] == Comparison::strict) {
    if (!image.is_null() && !(image.get("Id") == out.container.get("Image"))) {
      out.differences.add("image", image.get("Id"), out.container.get("Image"));
      anew = true;
    }
    const Value& name = at_path(out.container, "Config.Image");
    if (args.text("image_name_mismatch") == "recreate" && args.has("image") &&
        !(args.get("image") == name)) {
      out.differences.add("image_name", args.get("image"), name);
      anew = true;
    }
  }
  if (!anew) return false;
  out.differences.merge(different);
  if (!different.empty()) {
    GS_TRY(const Differences limits,
           different_options(args, out.wanted, out.container, compared, true));
    out.differences.merge(limits);
  }
  return true;
}

void plan_networks(ContainerDecision& out, const Args& args) {
  if (out.wanted.comparisons["networks"] != Comparison::ignore) {
    out.networks = different_networks(out.wanted, out.container);
    for (const Value& difference : out.networks) {
      const Value& network = difference.get("parameter");
      const Value& name = network.get("name");
      if (!difference.get("container").is_null())
        out.actions.push_back(Value::map({{"removed_from_network", name}}));
      out.actions.push_back(
          Value::map({{"added_to_network", name}, {"network_parameters", network}}));
      out.differences.add("network." + to_text(name), network, difference.get("container"));
    }
  }
  const bool purges =
      (out.wanted.comparisons["networks"] == Comparison::strict && out.wanted.names_networks) ||
      args.boolean("purge_networks");
  if (!purges) return;
  out.purges = extra_networks(out.wanted, out.container);
  for (const std::string& name : out.purges) {
    out.actions.push_back(Value::map({{"removed_from_network", name}}));
    out.differences.add("network." + name, Value(), Value::map({{"name", name}}));
  }
}

void plan_run(ContainerDecision& out, const Args& args) {
  const bool fresh = out.creates;
  const bool running = !fresh && is_running(out.container);
  const std::string state = args.text("state");
  const Value id = fresh ? args.get("name") : id_of(out.container);
  if (state == "started" && !running) {
    out.run = "start";
    out.actions.push_back(Value::map({{"started", id}}));
    out.differences.add("running", true, is_running(out.container));
  } else if (state == "started" && args.boolean("restart")) {
    out.run = "restart";
    out.actions.push_back(Value::map({{"restarted", id}, {"timeout", args.get("stop_timeout")}}));
    out.differences.add("restarted", true, false);
  } else if (state == "stopped" && running) {
    out.run = "stop";
    plan_stop(out, args);
    out.differences.add("running", false, true);
  }
  const bool compatible = args.text("container_default_behavior") == "compatibility";
  if (state != "started" || (!args.has("paused") && !compatible)) return;
  const bool paused = running && is_paused(out.container);
  if (args.boolean("paused") == paused) return;
  out.pauses = args.boolean("paused");
  out.actions.push_back(Value::map({{"set_paused", *out.pauses}}));
  out.differences.add("paused", *out.pauses, paused);
}

void plan_absence(ContainerDecision& out, const Args& args) {
  if (out.container.is_null()) return;
  if (is_running(out.container)) out.differences.add("running", false, true);
  out.differences.add("exists", false, true);
  plan_removal(out, args);
}

Result<void> plan_presence(ContainerDecision& out,
                           const Args& args,
                           const SystemView& view,
                           const DockerApi& api) {
  GS_TRY(out.wanted, wanted_container(args, view, api));
  Value image;
  if (args.has("image")) {
    out.image = args.text("image");
    GS_TRY(image, find_image(view, api, out.image));
    out.lacks_image = image.is_null();
    if (out.lacks_image)
      out.actions.push_back(Value::map({{"pulled_image", ImageName::parse(out.image).text()}}));
  }
  if (out.container.is_null() || is_state(out.container, "removing")) {
    out.differences.add("exists", true, false);
    GS_TRY_VOID(plan_creation(out, args));
    plan_run(out, args);
    return {};
  }
  Value compared = image;
  if (image.is_null() || args.text("image_comparison") == "current-image") {
    GS_TRY(Value current,
           api.get(view, "/images/" + docker_name(to_text(out.container.get("Image"))) + "/json"));
    if (!current.is_null()) compared = std::move(current);
  }
  GS_TRY(const bool anew, must_recreate(out, args, image, compared));
  if (anew) {
    if (out.image.empty()) out.image = to_text(out.container.get("Image"));
    plan_removal(out, args);
    GS_TRY_VOID(plan_creation(out, args));
  } else {
    GS_TRY(const Differences limits,
           different_options(args, out.wanted, out.container, compared, true));
    out.updates = !limits.empty();
    if (out.updates)
      out.actions.push_back(Value::map({{"updated", id_of(out.container)},
                                        {"update_parameters", container_update(out.wanted)}}));
    out.differences.merge(limits);
    plan_networks(out, args);
  }
  plan_run(out, args);
  return {};
}

/// Carries out a decision, one request after the other.
class Performer {
 public:
  Performer(const ContainerDecision& decision,
            const Args& args,
            const DockerApi& api,
            System& system)
      : decision_(decision), args_(args), api_(api), system_(system) {}

  Result<Outcome> run() {
    outcome_.changed = decision_.changes();
    id_ = to_text(decision_.container.get("Id"));
    if (decision_.stops) GS_TRY_VOID(stop());
    if (decision_.removes) GS_TRY_VOID(remove(false));
    if (args_.text("state") == "absent") return std::move(outcome_);
    if (decision_.creates) {
      GS_TRY_VOID(create());
    } else if (decision_.updates) {
      GS_TRY(const Value said, post("/update", container_update(decision_.wanted)));
      warn(said);
    }
    GS_TRY_VOID(connect());
    GS_TRY_VOID(set_running());
    if (outcome_.result.find("container") == nullptr) {
      GS_TRY(Value container, inspect());
      outcome_.result.set("container", std::move(container));
    }
    return std::move(outcome_);
  }

 private:
  Result<Value> post(const std::string& verb, Value body = {}, std::int64_t seconds = 0) {
    return api_.call(
        system_,
        {.path = container_path(id_) + verb, .body = std::move(body), .more_seconds = seconds});
  }

  Result<Value> inspect() { return api_.get(system_, container_path(id_) + "/json"); }

  void warn(const Value& said) {
    if (!said.get("Warnings").is_list()) return;
    for (const Value& warning : said.get("Warnings").as_list())
      add_warning(outcome_.result, "Docker warning: " + to_text(warning));
  }

  Result<void> stop() {
    if (args_.boolean("force_kill")) {
      const std::string signal =
          args_.has("kill_signal") ? "?signal=" + docker_name(args_.text("kill_signal")) : "";
      GS_TRY_VOID(post("/kill" + signal));
      return {};
    }
    // Some daemons do not stop a container that is paused.
    if (is_paused(decision_.container)) GS_TRY_VOID(post("/unpause"));
    const std::int64_t seconds = args_.integer("stop_timeout");
    GS_TRY_VOID(post("/stop" + (seconds > 0 ? "?t=" + std::to_string(seconds) : ""),
                     {},
                     seconds > 0 ? seconds : 10));
    return {};
  }

  Result<void> remove(bool forces) {
    const auto removed = api_.call(
        system_,
        {.method = "DELETE",
         .path = container_path(id_) +
                 docker_query(Value::map({{"v", args_.boolean("keep_volumes", true) ? "0" : "1"},
                                          {"force", forces ? "1" : "0"}}))});
    // Of a container with auto_remove the daemon may be quicker.
    if (!removed) {
      const std::string why = removed.error().message();
      if (why.find("already in progress") == std::string::npos &&
          why.find("No such container") == std::string::npos)
        return removed.error();
    }
    return wait_for_removal();
  }

  Result<void> wait_for_removal() {
    const auto start = system_.steady_now();
    for (;;) {
      GS_TRY(const Value container, inspect());
      if (container.is_null()) return {};
      if (args_.has("removal_wait_timeout") &&
          std::chrono::duration<double>(system_.steady_now() - start).count() >
              args_.real("removal_wait_timeout"))
        return Error(ErrorCode::module_failed,
                     "container " + id_ + " is still there after " +
                         args_.text("removal_wait_timeout") + " seconds");
      GS_TRY_VOID(system_.sleep(std::chrono::milliseconds(500)));
    }
  }

  Result<void> create() {
    if (is_state(decision_.container, "removing")) GS_TRY_VOID(wait_for_removal());
    Value query = Value::map({{"name", args_.get("name")}});
    const Value& platform = decision_.wanted.options.get("platform");
    if (!platform.is_null()) query.set("platform", platform);
    GS_TRY(const Value made,
           api_.call(system_,
                     {.path = "/containers/create" + docker_query(query),
                      .body = container_creation(decision_.wanted, decision_.image)}));
    warn(made);
    id_ = to_text(made.get("Id"));
    return {};
  }

  Result<void> leave(const std::string& network) {
    GS_TRY_VOID(api_.call(system_,
                          {.path = "/networks/" + docker_name(network) + "/disconnect",
                           .body = Value::map({{"Container", id_}})}));
    return {};
  }

  /// Of a new container only the daemon knows which networks it is in.
  Result<void> connect() {
    List networks = decision_.networks;
    std::vector<std::string> purges = decision_.purges;
    if (decision_.creates && decision_.wanted.networks.size() > 0) {
      GS_TRY(const Value container, inspect());
      networks = different_networks(decision_.wanted, container);
      if (decision_.wanted.comparisons.find("networks")->second == Comparison::strict)
        purges = extra_networks(decision_.wanted, container);
    }
    for (const Value& difference : networks) {
      const Value& network = difference.get("parameter");
      const std::string name = to_text(network.get("name"));
      if (!difference.get("container").is_null()) GS_TRY_VOID(leave(name));
      GS_TRY_VOID(api_.call(system_,
                            {.path = "/networks/" + docker_name(name) + "/connect",
                             .body = Value::map({{"Container", id_},
                                                 {"EndpointConfig", network_endpoint(network)}})}));
    }
    for (const std::string& name : purges) GS_TRY_VOID(leave(name));
    return {};
  }

  Result<void> set_running() {
    if (decision_.run == "stop") return stop();
    if (decision_.run == "start") {
      GS_TRY_VOID(post("/start"));
      if (args_.has("detach") && !args_.boolean("detach")) return finish();
    } else if (decision_.run == "restart") {
      const std::int64_t seconds = args_.integer("stop_timeout", 10);
      GS_TRY_VOID(post("/restart?t=" + std::to_string(seconds), {}, seconds));
    }
    if (decision_.pauses) GS_TRY_VOID(post(*decision_.pauses ? "/pause" : "/unpause"));
    return {};
  }

  /// Waits for the end of a container that the task stays with.
  Result<void> finish() {
    constexpr std::int64_t kLongest = 20 * 86400;
    GS_TRY(const Value ended, post("/wait", {}, kLongest));
    const std::int64_t status =
        ended.get("StatusCode").is_integer() ? ended.get("StatusCode").as_integer() : 0;
    outcome_.result.set("status", status);
    GS_TRY(const std::string output, read_output());
    if (args_.boolean("cleanup")) GS_TRY_VOID(remove(true));
    GS_TRY(Value container, inspect());
    if (container.is_null()) container = Value(Map());
    container.set("Output", output);
    outcome_.result.set("container", std::move(container));
    if (args_.boolean("output_logs")) set_output(outcome_.result, output, "");
    if (status == 0) return {};
    outcome_.failed = true;
    outcome_.result.set("msg", output);
    return {};
  }

  Result<std::string> read_output() {
    if (args_.boolean("auto_remove"))
      return std::string("Cannot retrieve result as auto_remove is enabled");
    GS_TRY(const Value container, inspect());
    const std::string driver = to_text(at_path(container, "HostConfig.LogConfig.Type"));
    if (driver != "json-file" && driver != "journald" && driver != "local")
      return "Result logged using `" + driver + "` driver";
    GS_TRY(const std::string bytes,
           api_.bytes(system_, container_path(id_) + "/logs?stdout=1&stderr=1&tail=all"));
    return at_path(container, "Config.Tty").truthy() ? bytes : without_frames(bytes);
  }

  /// Docker puts eight bytes before each piece: the stream, and the length in the last four.
  static std::string without_frames(std::string_view bytes) {
    std::string out;
    while (bytes.size() >= 8) {
      std::size_t length = 0;
      for (std::size_t i = 4; i < 8; ++i)
        length = length << 8U | static_cast<unsigned char>(bytes[i]);
      bytes.remove_prefix(8);
      length = std::min(length, bytes.size());
      out += bytes.substr(0, length);
      bytes.remove_prefix(length);
    }
    return out;
  }

  const ContainerDecision& decision_;
  const Args& args_;
  const DockerApi& api_;
  System& system_;
  Outcome outcome_;
  std::string id_;
};

}  // namespace

bool pulls_always(const Args& args) {
  const std::string pull = lower(args.text("pull"));
  return pull == "always" || parse_bool(args.get("pull")).value_or(false);
}

Result<ContainerDecision> decide_container(const Args& args,
                                           const SystemView& view,
                                           const DockerApi& api) {
  ContainerDecision out;
  GS_TRY(out.container, api.get(view, container_path(args.text("name")) + "/json"));
  if (args.text("state") == "absent") {
    plan_absence(out, args);
    return out;
  }
  GS_TRY_VOID(plan_presence(out, args, view, api));
  return out;
}

Result<Outcome> carry_out(const ContainerDecision& decision,
                          const Args& args,
                          const DockerApi& api,
                          System& system) {
  return Performer(decision, args, api, system).run();
}

}  // namespace gpustack::modules
