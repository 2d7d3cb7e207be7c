#include "core/gpu/card.hpp"

#include "modules/sdk/text.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace gpustack::gpu {

namespace {

using modules::join;

constexpr std::size_t kLabelWidth = 12;

/// Words with commas between; empty ones are left out.
class Words {
 public:
  Words& add(std::string word) {
    if (!word.empty()) words_.push_back(std::move(word));
    return *this;
  }
  /// `before` and the fact, where there is one.
  Words& add(std::string_view before, const std::string& text) {
    return text.empty() ? *this : add(std::string(before) + text);
  }
  [[nodiscard]] std::string text() const { return join(words_, ", "); }

 private:
  std::vector<std::string> words_;
};

class Lines {
 public:
  void add(std::string label, const std::string& text) {
    if (text.empty()) return;
    label.resize(std::max(kLabelWidth, label.size() + 1), ' ');
    out_ += "  " + label + text + "\n";
  }
  void more(const std::string& text) { out_ += "  " + std::string(kLabelWidth, ' ') + text + "\n"; }
  [[nodiscard]] const std::string& text() const { return out_; }

 private:
  std::string out_;
};

std::string in_parentheses(const std::string& text) {
  return text.empty() ? text : " (" + text + ")";
}

std::string platform_line(const Value& facts) {
  std::string line = fact_text(facts, "profile");
  if (const std::string sub = fact_text(facts, "subprofile"); !sub.empty()) line += "/" + sub;
  const std::string evidence = fact_text(facts, "evidence");
  return line +
         in_parentheses(fact_text(facts, "rule") + (evidence.empty() ? "" : ": " + evidence));
}

std::string cpu_line(const Value& facts) {
  const std::string arch = fact_text(facts, "arch");
  const std::string userland = fact_text(facts, "userland_arch");
  Words words;
  words.add(arch).add(join(fact_list(facts, "cpu.uarch"), " + "));
  if (userland != arch) words.add("userland ", userland);
  return words.add("images ", fact_text(facts, "oci_platform")).text();
}

std::string system_line(const HostFacts& host) {
  std::string name = fact_text(host.all, "ansible_distribution");
  if (const std::string version = fact_text(host.all, "ansible_distribution_version");
      !version.empty())
    name += " " + version;
  const Value& page = fact(host.platform, "page_size");
  const std::string pages =
      page.is_integer() ? std::to_string(page.as_integer() / 1024) + " KiB pages" : "";
  const std::string boot = fact_text(host.platform, "secure_boot");
  return Words()
      .add(name)
      .add("kernel ", fact_text(host.platform, "kernel.release"))
      .add(pages)
      .add("secure boot ", boot == "unsupported" ? "" : boot)
      .add(fact_true(host.platform, "reboot_required") ? "reboot required" : "")
      .text();
}

std::string board_line(const Value& facts) {
  return Words()
      .add(fact_text(facts, "board.model"))
      .add("module ", fact_text(facts, "board.module"))
      .add("SoC ", fact_text(facts, "board.soc"))
      .text();
}

std::string memory_line(const Value& facts) {
  const Value& total = fact(facts, "memory.total_mib");
  const std::string model = fact_text(facts, "memory.model");
  std::string meaning;
  if (model == "unified") meaning = "the GPU's too (unified)";
  if (model == "coherent") meaning = "coherent with the GPU's own";
  return Words().add(total.is_integer() ? memory_size(total.as_integer()) : "").add(meaning).text();
}

std::string l4t_line(const Value& facts) {
  const std::string version = fact_text(facts, "l4t.version");
  if (fact_text(facts, "profile") != "jetson") return {};
  if (version.empty() || version == "none") return "none found";
  const bool is_exact = fact_true(facts, "jetpack.exact");
  return version + in_parentheses(fact_text(facts, "l4t.source")) + ", JetPack " +
         fact_text(facts, "jetpack.version") +
         (is_exact ? "" : " (the release is not in the table: by its major number)");
}

std::string mig_words(const Value& mig) {
  const std::string source = fact_text(mig, "source");
  if (!fact_true(mig, "capable")) return source.empty() ? "" : "no MIG (by " + source + ")";
  const std::string mode = fact_text(mig, "mode");
  return "MIG " + (mode.empty() ? "capable" : modules::lower(mode)) +
         (fact_true(mig, "reset_required") ? ", reset required" : "") +
         in_parentheses(source.empty() ? "" : "by " + source);
}

void add_gpu(Lines& lines, std::size_t number, const Value& gpu) {
  const std::string sm = fact_text(gpu, "sm");
  const Value& memory = fact(gpu, "mem_mib");
  std::string driver = fact_text(gpu, "driver");
  if (const std::string wanted = fact_text(gpu, "wanted_driver");
      driver.empty() || (!wanted.empty() && driver != wanted))
    driver = (driver.empty() ? "none" : driver) +
             in_parentheses(wanted.empty() ? "" : "upstream: " + wanted);
  const std::string arch = fact_text(gpu, "cuda_arch");
  lines.add(
      "GPU " + std::to_string(number),
      Words()
          .add(fact_text(gpu, "model") + in_parentheses(fact_text(gpu, "vendor")))
          .add(fact_true(gpu, "integrated") ? "integrated" : "")
          .add(memory.is_integer() ? memory_size(memory.as_integer()) : "")
          .add("driver ", driver)
          .add(sm.empty()
                   ? ""
                   : "SM " + sm + in_parentheses(arch.empty() ? "" : "CUDA architecture " + arch))
          .add(mig_words(fact(gpu, "mig")))
          .text());
  const std::string gid = fact_text(gpu, "node_gid");
  const std::string render = fact_text(gpu, "render_node");
  const std::string vendor = fact_text(gpu, "vendor_node");
  const std::string nodes = Words().add(render).add(vendor).text();
  const std::string places =
      Words()
          .add("PCI ", fact_text(gpu, "pci_bdf") + in_parentheses(fact_text(gpu, "pci_id")))
          .add(nodes + (nodes.empty() || gid.empty() ? "" : " (group " + gid + ")"))
          .text();
  if (places.find_first_not_of("PCI ") != std::string::npos) lines.more(places);
}

std::string driver_line(const Value& facts) {
  const std::string version = fact_text(facts, "driver.version");
  const std::string library = fact_text(facts, "driver.library_version");
  const std::string reason = fact_text(facts, "driver.reason");
  if (fact_text(facts, "gpu_vendor") == "none") return {};
  return Words()
      .add(fact_true(facts, "driver.present") ? "loaded" : "not loaded")
      .add(version + (version.empty() ? "" : in_parentheses(fact_text(facts, "driver.flavour"))))
      .add("libraries ", library == version ? "" : library)
      .add(reason)
      .text();
}

std::string cuda_line(const Value& facts) {
  if (fact_text(facts, "gpu_vendor") != "nvidia") return {};
  return Words()
      .add("driver serves up to ", fact_text(facts, "driver.cuda_max"))
      .add("toolkit ", fact_text(facts, "cuda.toolkit"))
      .add("architecture ", fact_text(facts, "cuda.arch"))
      .add("packages of ", fact_text(facts, "cuda.repo_arch"))
      .text();
}

std::string containers_line(const Value& facts) {
  Words words;
  for (const char* program : {"docker", "podman", "containerd", "crio", "nvidia_ctk"}) {
    if (fact(facts, std::string("runtime.") + program).is_null()) continue;
    words.add(program == std::string_view("nvidia_ctk") ? "nvidia-ctk" : program);
  }
  words.add(fact_true(facts, "runtime.docker_is_snap") ? "docker as a snap" : "");
  const auto specs = fact_list(facts, "runtime.cdi_specs");
  words.add("CDI ", join(specs, " "));
  const std::string text = words.text();
  return text.empty() ? "none found" : text;
}

std::string sharing_line(const Value& facts) {
  const std::string automatic = fact_text(facts, "slicing.auto");
  return join(fact_list(facts, "slicing.allowed"), ", ") +
         (automatic.empty() ? "" : " (auto: " + automatic + ")");
}

void add_problems(Lines& lines, const Value& problems) {
  if (!problems.is_list()) return;
  for (const Value& one : problems.as_list()) {
    lines.add("Problem", fact_text(one, "id") + ": " + fact_text(one, "message"));
    lines.more("fix: " + fact_text(one, "remedy"));
  }
}

}  // namespace

std::string memory_size(std::int64_t mib) {
  constexpr std::int64_t kMibInGib = 1024;
  if (mib < kMibInGib) return std::to_string(mib) + " MiB";
  const std::int64_t tenths = (mib * 10 + kMibInGib / 2) / kMibInGib;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " GiB";
}

std::string card(const HostFacts& host) {
  const Value& facts = host.platform;
  Lines lines;
  lines.add("Platform", platform_line(facts));
  lines.add("Board", board_line(facts));
  lines.add("CPU", cpu_line(facts));
  lines.add("System", system_line(host));
  lines.add("Memory", memory_line(facts));
  lines.add("L4T", l4t_line(facts));
  const Value& gpus = fact(facts, "gpus");
  if (!gpus.is_list() || gpus.size() == 0) {
    lines.add("GPU", "none");
  } else {
    for (std::size_t i = 0; i < gpus.size(); ++i) add_gpu(lines, i, gpus.as_list()[i]);
  }
  lines.add("Driver", driver_line(facts));
  lines.add("CUDA", cuda_line(facts));
  lines.add("Containers", containers_line(facts));
  lines.add("Backend", fact_text(facts, "backend"));
  lines.add("Sharing", sharing_line(facts));
  const std::string container = fact_text(facts, "virt.container");
  const std::string machine = fact_text(facts, "virt.kind");
  lines.add("Inside",
            Words()
                .add("container ", container == "none" ? "" : container)
                .add("virtual machine ", machine == "none" ? "" : machine)
                .text());
  add_problems(lines, fact(facts, "problems"));
  return host.host + "\n" + lines.text();
}

}  // namespace gpustack::gpu
