#include "modules/builtin/support/facts/collectors.hpp"

#include <algorithm>
#include <array>

namespace gpustack::modules::facts {
namespace {

constexpr std::string_view kOsRelease = "/etc/os-release";

/// What a release file says, gathered step by step.
struct Distribution {
  std::string name = "NA";
  std::string version = "NA";
  std::string release = "NA";
  std::string major;
  std::string minor;
  std::string file;
  std::string variety;
  bool is_parsed = false;
};

/// @source ansible-core 2.14, documentation "Commonly used facts", ansible_facts['os_family']
struct FamilyOf {
  std::string_view family;
  std::string_view members;  ///< separated by `|`
};
constexpr FamilyOf kFamilies[] = {
    {"RedHat",
     "RedHat|RHEL|Fedora|CentOS|Scientific|SLC|Ascendos|CloudLinux|PSBM|OracleLinux|OVS|OEL|Amazon|"
     "Virtuozzo|XenServer|"
     "Alibaba|EulerOS|openEuler|AlmaLinux|Rocky|TencentOS|EuroLinux|Kylin Linux Advanced Server"},
    {"Debian",
     "Debian|Ubuntu|Raspbian|Neon|KDE neon|Linux Mint|SteamOS|Devuan|Kali|Cumulus "
     "Linux|Pop!_OS|Parrot|"
     "Pardus GNU/Linux|Uos|Deepin|OSMC"},
    {"Suse", "SuSE|SLES|SLED|openSUSE|openSUSE Tumbleweed|SLES_SAP|SUSE_LINUX|openSUSE Leap"},
    {"Archlinux", "Archlinux|Antergos|Manjaro"},
    {"Gentoo", "Gentoo|Funtoo"},
    {"Alpine", "Alpine"},
    {"ClearLinux", "Clear Linux OS|Clear Linux Mix"},
    {"Mandrake", "Mandrake|Mandriva"},
};

std::string family_of(const std::string& name) {
  for (const FamilyOf& entry : kFamilies) {
    for (const std::string& member : split(entry.members, '|')) {
      if (member == name) return std::string(entry.family);
    }
  }
  return name;
}

std::string first_part(std::string_view text, char separator) {
  return std::string(text.substr(0, text.find(separator)));
}

/// The first run of `digits[.digits…]` in `text`.
std::string first_version(std::string_view text) {
  const auto begin = text.find_first_of("0123456789");
  if (begin == std::string_view::npos) return {};
  auto end = text.find_first_not_of("0123456789.", begin);
  if (end == std::string_view::npos) end = text.size();
  while (end > begin && text[end - 1] == '.') --end;
  return std::string(text.substr(begin, end - begin));
}

/// The text in the last pair of parentheses, without the leading words of `Name Version`.
std::string in_parentheses(std::string_view text) {
  const auto open = text.find('(');
  const auto close = text.find(')', open == std::string_view::npos ? 0 : open);
  if (open == std::string_view::npos || close == std::string_view::npos) return {};
  return std::string(trim(text.substr(open + 1, close - open - 1)));
}

/// What os-release and the older files tell about any distribution, before its own file is looked
/// at.
struct Guess {
  std::string id;
  std::string version;
  std::string codename;
};

Guess guess(const Reader& host, const KeyValues& os) {
  Guess result;
  result.id = lower(os.get("ID"));
  result.version = os.get("VERSION_ID");
  if (result.id == "debian") {
    const std::string best = first_version(host.text_or("/etc/debian_version", ""));
    if (!best.empty()) result.version = best;
  }
  if (result.id == "centos") {
    const std::vector<std::string> parts =
        split(first_version(host.text_or("/etc/centos-release", "")), '.');
    if (parts.size() > 1) result.version = parts[0] + "." + parts[1];
  }
  if (os.has("VERSION_CODENAME")) {
    result.codename = os.get("VERSION_CODENAME");
  } else if (os.has("UBUNTU_CODENAME")) {
    result.codename = os.get("UBUNTU_CODENAME");
  } else {
    result.codename = in_parentheses(os.get("VERSION"));
    if (result.codename.empty()) result.codename = "NA";
  }
  return result;
}

using Parse = bool (*)(const Reader&,
                       const std::string& data,
                       const std::string& path,
                       Distribution&);

bool parse_named(const std::string& data,
                 std::string_view phrase,
                 std::string_view name,
                 Distribution& found) {
  if (contains(data, phrase)) {
    found.name = name;
  } else {
    const auto fields = split_words(data);
    found.name = fields.empty() ? std::string(name) : fields.front();
  }
  return true;
}

bool parse_oracle(const Reader&, const std::string& data, const std::string&, Distribution& found) {
  return parse_named(data, "Oracle Linux", "OracleLinux", found);
}

bool parse_redhat(const Reader&, const std::string& data, const std::string&, Distribution& found) {
  return parse_named(data, "Red Hat", "RedHat", found);
}

bool parse_centos(const Reader&, const std::string& data, const std::string&, Distribution& found) {
  if (contains(data, "CentOS Stream")) {
    found.name = "CentOS";
    found.release = "Stream";
    return true;
  }
  if (contains(data, "TencentOS Server")) {
    found.name = "TencentOS";
    return true;
  }
  return false;
}

bool parse_amazon(const Reader&,
                  const std::string& data,
                  const std::string& path,
                  Distribution& found) {
  if (!contains(data, "Amazon")) return false;
  found.name = "Amazon";
  if (path != kOsRelease) {
    for (const std::string& word : split_words(data)) {
      if (number(word)) {
        found.version = word;
        break;
      }
    }
    return true;
  }
  found.version = KeyValues::parse(data).get("VERSION_ID");
  const std::vector<std::string> parts = split(found.version, '.');
  found.major = parts.front();
  found.minor = parts.size() > 1 ? parts[1] : "NA";
  return true;
}

bool parse_alpine(const Reader&, const std::string& data, const std::string&, Distribution& found) {
  found.name = "Alpine";
  found.version = data;
  return true;
}

bool parse_arch(const Reader&, const std::string& data, const std::string&, Distribution& found) {
  if (!contains(data, "Arch Linux")) return false;
  found.name = "Archlinux";
  return true;
}

bool parse_suse(const Reader& host,
                const std::string& data,
                const std::string&,
                Distribution& found) {
  const std::string folded = lower(data);
  if (!contains(folded, "suse")) return false;
  const KeyValues os = KeyValues::parse(data);
  found.name = os.get("NAME");
  const std::vector<std::string> parts = split(first_version(os.get("VERSION_ID")), '.');
  found.version = first_version(os.get("VERSION_ID"));
  found.major = parts.front();
  const std::string minor = parts.size() > 1 ? parts[1] : "";
  if (contains(folded, "open")) {
    found.release = minor;
  } else if (contains(folded, "enterprise")) {
    found.release = minor.empty() ? "0" : minor;
  }
  if (host.link("/etc/products.d/baseproduct").ends_with("SLES_SAP.prod")) found.name = "SLES_SAP";
  return true;
}

/// The members of the Debian family that fill in their own version.
struct Derivative {
  std::string_view sign;
  std::string_view name;
  bool takes_version;
  bool takes_codename;
};
constexpr Derivative kDerivatives[] = {
    {"Ubuntu", "Ubuntu", false, false},
    {"SteamOS", "SteamOS", false, false},
    {"Kali", "Kali", false, false},
    {"Parrot", "Parrot", false, false},
    {"Devuan", "Devuan", true, false},
    {"Cumulus", "Cumulus Linux", true, false},
    {"Mint", "Linux Mint", true, false},
    {"UOS", "Uos", true, true},
    {"Uos", "Uos", true, true},
    {"Deepin", "Deepin", true, true},
    {"deepin", "Deepin", true, true},
};

bool parse_debian(const Reader& host,
                  const std::string& data,
                  const std::string&,
                  Distribution& found) {
  const KeyValues os = KeyValues::parse(data);
  if (contains(data, "Debian") || contains(data, "Raspbian")) {
    found.name = "Debian";
    const std::string pretty = in_parentheses(os.get("PRETTY_NAME"));
    if (!pretty.empty()) found.release = pretty;
    const std::vector<std::string> parts =
        split(first_version(host.text_or("/etc/debian_version", "")), '.');
    if (parts.size() > 1) found.minor = parts[1];
    return true;
  }
  for (const Derivative& each : kDerivatives) {
    if (!contains(data, each.sign)) continue;
    found.name = each.name;
    if (each.takes_version && os.has("VERSION_ID")) {
      found.version = os.get("VERSION_ID");
      found.major = first_part(found.version, '.');
    }
    if (each.takes_codename && os.has("VERSION_CODENAME"))
      found.release = os.get("VERSION_CODENAME");
    return true;
  }
  return false;
}

bool parse_flatcar(const Reader&,
                   const std::string& data,
                   const std::string&,
                   Distribution& found) {
  const KeyValues os = KeyValues::parse(data);
  if (lower(os.get("ID")) != "flatcar") return false;
  found.name = "Flatcar";
  found.version = os.get("VERSION");
  found.major = first_part(found.version, '.');
  return true;
}

bool parse_any(const Reader&, const std::string& data, const std::string&, Distribution& found) {
  const KeyValues os = KeyValues::parse(data);
  if (os.has("NAME")) found.name = os.get("NAME");
  if (found.version == "NA" && os.has("VERSION")) found.version = os.get("VERSION");
  return true;
}

struct ReleaseFile {
  std::string_view path;
  std::string_view variety;
  Parse parse;  ///< absent: the file's existence is enough
};
constexpr ReleaseFile kFiles[] = {
    {"/etc/oracle-release", "OracleLinux", parse_oracle},
    {"/etc/centos-release", "CentOS", parse_centos},
    {"/etc/redhat-release", "RedHat", parse_redhat},
    {kOsRelease, "Amazon", parse_amazon},
    {"/etc/system-release", "Amazon", parse_amazon},
    {"/etc/alpine-release", "Alpine", parse_alpine},
    {"/etc/arch-release", "Archlinux", nullptr},
    {kOsRelease, "Archlinux", parse_arch},
    {kOsRelease, "SUSE", parse_suse},
    {kOsRelease, "Debian", parse_debian},
    {"/etc/lsb-release", "Debian", parse_debian},
    {kOsRelease, "Flatcar", parse_flatcar},
    {kOsRelease, "NA", parse_any},
};

Distribution find_distribution(const Reader& host, const KeyValues& os) {
  Distribution found;
  const Guess guessed = guess(host, os);
  found.name = guessed.id.empty() ? "OtherLinux" : guessed.id;
  if (found.name.front() >= 'a' && found.name.front() <= 'z')
    found.name.front() = static_cast<char>(found.name.front() - 32);
  if (!guessed.version.empty()) found.version = guessed.version;
  found.release = guessed.codename;
  for (const ReleaseFile& file : kFiles) {
    const std::string path(file.path);
    if (file.parse == nullptr) {
      if (!host.exists(path)) continue;
      found.name = file.variety;
    } else {
      const auto data = host.text(path);
      if (!data || !file.parse(host, *data, path, found)) continue;
      found.is_parsed = true;
    }
    found.file = path;
    found.variety = file.variety;
    break;
  }
  if (found.major.empty())
    found.major = first_part(guessed.version.empty() ? found.version : guessed.version, '.');
  return found;
}

}  // namespace

void collect_distribution(const Reader& host, Request&, Map& facts) {
  const Distribution found =
      find_distribution(host, KeyValues::parse(host.text_or(std::string(kOsRelease), "")));
  facts.set("distribution", found.name);
  facts.set("distribution_release", found.release);
  facts.set("distribution_version", found.version);
  facts.set("distribution_major_version", found.major);
  if (!found.minor.empty()) facts.set("distribution_minor_version", found.minor);
  if (!found.file.empty()) {
    facts.set("distribution_file_path", found.file);
    facts.set("distribution_file_variety", found.variety);
    if (found.is_parsed) facts.set("distribution_file_parsed", true);
  }
  facts.set("os_family", family_of(found.name));
}

void collect_lsb(const Reader& host, Request&, Map& facts) {
  Map lsb;
  const auto set = [&](const char* name, const std::string& text) {
    if (!text.empty()) lsb.set(name, text);
  };
  if (const auto file = host.text("/etc/lsb-release")) {
    const KeyValues values = KeyValues::parse(*file);
    set("id", values.get("DISTRIB_ID"));
    set("release", values.get("DISTRIB_RELEASE"));
    set("description", values.get("DISTRIB_DESCRIPTION"));
    set("codename", values.get("DISTRIB_CODENAME"));
  } else if (!host.view().find_program("lsb_release").empty()) {
    // What lsb_release(1) prints comes from os-release; reading it spares a process.
    const KeyValues os = KeyValues::parse(host.text_or(std::string(kOsRelease), ""));
    std::string id = os.get("ID");
    if (!id.empty() && id.front() >= 'a' && id.front() <= 'z')
      id.front() = static_cast<char>(id.front() - 32);
    set("id", id);
    set("release", os.get("VERSION_ID"));
    set("description", os.get("PRETTY_NAME"));
    set("codename", os.get("VERSION_CODENAME"));
  }
  if (const Value* release = lsb.find("release"))
    lsb.set("major_release", first_part(release->as_string(), '.'));
  facts.set("lsb", std::move(lsb));
}

}  // namespace gpustack::modules::facts
