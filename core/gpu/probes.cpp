#include "core/gpu/checks.hpp"

namespace gpustack::gpu {

namespace {

constexpr const char* kIsJetson = "ansible_facts.gpustack.bsp";
constexpr const char* kIsSpark = "ansible_facts.gpustack.subprofile == 'dgx_spark'";
constexpr const char* kHasEngine =
    "ansible_facts.gpustack.runtime.docker or ansible_facts.gpustack.runtime.podman";
constexpr const char* kHasEngineAndGpu = "verify_platform.gpus and verify_engine";

Probe slurp(std::string name, const char* path, std::string when = {}) {
  return {std::move(name), "slurp", Value::map({{"src", path}}), std::move(when)};
}

/// What a container needs to see the GPU, and what it does to find it. NVIDIA's toolkit brings
/// nvidia-smi into any image; JetPack 4 and 5 have none, there node and library count. On boards
/// the image's user must be able to use the node.
/// @source docs.nvidia.com/datacenter/cloud-native/container-toolkit; dusty-nv/jetson-containers
Value container_words() {
  return Value::map({
      {"verify_platform", "{{ ansible_facts.gpustack }}"},
      {"verify_engine",
       "{{ 'docker' if verify_platform.runtime.docker else 'podman' if "
       "verify_platform.runtime.podman else '' }}"},
      {"verify_gpu", "{{ verify_platform.gpus | first | default({}) }}"},
      {"verify_node",
       "{{ verify_gpu.render_node | default('', true) or verify_gpu.vendor_node | default('', "
       "true) or '/dev/dri' }}"},
      {"verify_has_cdi",
       "{{ verify_platform.runtime.cdi_specs | select('search', '/nvidia') | list | length > 0 }}"},
      {"verify_is_old_jetson",
       "{{ verify_platform.profile == 'jetson' and verify_platform.l4t.major | int < 36 }}"},
      {"verify_device",
       "{{ ['--device', verify_node] if verify_platform.gpu_vendor != 'nvidia' else ['--device', "
       "'nvidia.com/gpu=all'] if verify_has_cdi | bool else ['--runtime', 'nvidia'] if "
       "verify_platform.profile == 'jetson' else ['--gpus', 'all'] }}"},
      {"verify_look",
       "{{ ['sh', '-c', 'ls /dev/nvhost-ctrl-gpu && ldconfig -p | grep -q libcuda.so.1'] if "
       "verify_is_old_jetson | bool else ['nvidia-smi', '-L'] if verify_platform.gpu_vendor == "
       "'nvidia' else ['sh', '-c', 'test -r ' ~ verify_node ~ ' && test -w ' ~ verify_node] }}"},
  });
}

void add_container(const std::string& image, std::vector<Probe>& probes) {
  const Value words = container_words();
  probes.push_back({"container_image",
                    "command",
                    Value::map({{"argv",
                                 Value(List{"{{ verify_engine }}",
                                            "image",
                                            "inspect",
                                            "--format",
                                            "{% raw %}{{.Architecture}}{% endraw %}",
                                            image})}}),
                    kHasEngine,
                    words,
                    true});
  Value vars = words;
  vars.set("verify_image", image);
  probes.push_back({"container",
                    "command",
                    Value::map({{"argv",
                                 "{{ [verify_engine, 'run', '--rm', '--pull', 'never', "
                                 "'--network', 'none'] + verify_device + [verify_image] + "
                                 "verify_look }}"}}),
                    kHasEngineAndGpu,
                    vars,
                    true});
}

}  // namespace

std::vector<Probe> probes_for(const CheckWishes& wishes) {
  std::vector<Probe> probes = {
      {"services", "service_facts", Value(Map())},
      {"packages", "package_facts", Value(Map())},
      slurp("daemon_json", "/etc/docker/daemon.json"),
      slurp("cdi_static", "/etc/cdi/nvidia.yaml"),
      slurp("cdi_dynamic", "/var/run/cdi/nvidia.yaml"),
      slurp("kernel_modules", "/proc/modules"),
      slurp("dgx_release", "/etc/dgx-release", kIsSpark),
      // In a dry run it tells whether the package would have to be held,
      {"bsp_hold",
       "dpkg_selections",
       Value::map({{"name", "nvidia-l4t-core"}, {"selection", "hold"}}),
       kIsJetson},
      // and it what an upgrade would do: apt simulates it.
      {"bsp_upgrade", "apt", Value::map({{"upgrade", "safe"}}), kIsJetson},
  };
  for (const std::string& file : wishes.files)
    probes.push_back(
        {"file:" + file, "stat", Value::map({{"path", file}, {"get_checksum", false}})});
  for (const std::string& image : wishes.images)
    probes.push_back({"image:" + image, "container_image_info", Value::map({{"name", image}})});
  if (!wishes.container.empty()) add_container(wishes.container, probes);
  return probes;
}

}  // namespace gpustack::gpu
