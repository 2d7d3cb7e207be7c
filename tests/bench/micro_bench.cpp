// What one step costs: a template, a variable, a message of the wire, a file of tasks.
//
//   micro_bench [--benchmark_filter=REGEX] [Google Benchmark's other options]
#include "core/base/json.hpp"
#include "core/engine/scope.hpp"
#include "core/jinja/jinja.hpp"
#include "core/play/loader.hpp"
#include "core/wire/session.hpp"
#include "core/yaml/node.hpp"
#include "inventory/inventory.hpp"

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <iostream>

namespace {

using namespace gpustack;

/// What the benchmark itself sets up is right, or nothing it would say is.
template <typename T>
T must(Result<T> result) {
  if (!result) {
    std::cerr << result.error().render();
    std::exit(1);
  }
  return std::move(*result);
}

constexpr std::string_view kTemplate =
    "[Unit]\nDescription={{ service | capitalize }} on {{ host }}\n"
    "{% for peer in peers if peer != host %}\nWants={{ peer }}\n{% endfor %}\n"
    "ExecStart=/opt/{{ service }}/program --port {{ port + 1 }}\n";

class Variables final : public jinja::Scope {
 public:
  Result<std::optional<Value>> lookup(std::string_view name) override {
    const Value* found = values_.find(name);
    return found != nullptr ? std::optional<Value>(*found) : std::nullopt;
  }
  std::vector<std::string> names() override { return {}; }

 private:
  Value values_ = Value::map({{"service", "alpha"},
                              {"host", "host03"},
                              {"port", 8000},
                              {"peers", List{"host01", "host02", "host03", "host04", "host05"}}});
};

void template_compile(benchmark::State& state) {
  for (auto step : state) {
    jinja::Environment environment;
    benchmark::DoNotOptimize(
        must(environment.compile(kTemplate, nullptr, jinja::Options::for_files())));
  }
}
BENCHMARK(template_compile);

void template_render(benchmark::State& state) {
  jinja::Environment environment;
  const auto compiled = must(environment.compile(kTemplate, nullptr, jinja::Options::for_files()));
  Variables variables;
  jinja::Context context;
  context.scope = &variables;
  for (auto step : state) benchmark::DoNotOptimize(must(jinja::render_text(*compiled, context)));
}
BENCHMARK(template_render);

/// A host's variables, as many as an inventory with groups has, some of them templates.
Value inventory_variables() {
  Map variables;
  for (int i = 0; i < 100; ++i) variables.set("setting_" + std::to_string(i), Value(i));
  variables.set("place", Value("rack-7"));
  variables.set("name", Value("{{ place }}-{{ setting_42 }}"));
  return Value(std::move(variables));
}

/// A name that is looked up by a task: plain, or a template that reads two others.
void variable_lookup(benchmark::State& state, std::string_view name) {
  auto inventory = must(inventory::Inventory::load({"host03,"}));
  engine::RunState run;
  run.inventory = &inventory;
  engine::HostState& host = run.host("host03");
  host.inventory_vars = inventory_variables();
  for (auto step : state) {
    engine::Scope scope(run, nullptr, host, nullptr);  // one for each task on a host
    benchmark::DoNotOptimize(must(scope.variable(name)));
  }
}
BENCHMARK_CAPTURE(variable_lookup, plain, "setting_42");
BENCHMARK_CAPTURE(variable_lookup, template, "name");

wire::Task task() {
  wire::Task made;
  made.module = "copy";
  made.arguments = Value::map({{"dest", "/opt/bench/alpha/settings"},
                               {"mode", "0640"},
                               {"content", std::string(200, 'x')}});
  return made;
}

void wire_encode(benchmark::State& state) {
  const wire::Task made = task();
  std::string bytes;
  for (auto step : state) {
    bytes.clear();
    wire::append_message(bytes, wire::make_task(0, 7, made));
    benchmark::DoNotOptimize(bytes.data());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes.size()));
}
BENCHMARK(wire_encode);

void wire_decode(benchmark::State& state) {
  std::string bytes;
  wire::append_message(bytes, wire::make_task(0, 7, task()));
  wire::FrameDecoder decoder;
  wire::Assembler assembler;
  for (auto step : state) {
    decoder.feed(bytes);
    auto frame = must(decoder.next());
    const auto message = must(assembler.take(std::move(*frame)));
    benchmark::DoNotOptimize(must(wire::Task::parse(*message)));
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes.size()));
}
BENCHMARK(wire_decode);

/// A playbook with `tasks` tasks.
std::string playbook(std::int64_t tasks) {
  std::string text = "- hosts: all\n  gather_facts: false\n  tasks:\n";
  for (std::int64_t i = 0; i < tasks; ++i) {
    const std::string number = std::to_string(i);
    text +=
        "    - name: Task " + number + "\n      ansible.builtin.template:\n        src: unit.j2\n";
    text += "        dest: \"/opt/{{ service }}/" + number + "\"\n        mode: \"0644\"\n";
    text += "      when: is_wanted and place in ['here', 'there']\n";
  }
  return text;
}

void yaml_load(benchmark::State& state) {
  const std::string text = playbook(state.range(0));
  for (auto step : state) benchmark::DoNotOptimize(must(yaml::load("site.yml", text)));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(yaml_load)->Arg(15)->Arg(240);

}  // namespace

BENCHMARK_MAIN();
