#include "modules/sdk/module.hpp"
#include "tests/support/convergence.hpp"
#include "tests/support/memory_system.hpp"

#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec pip_module;

namespace {

using test::Command;
using test::CommandResult;
using test::MemorySystem;

const std::string kPip = "/usr/bin/python3 -m pip.__main__";

/// A host with Python, whose pip keeps what it installed in the file /packages.
MemorySystem& with_pip(MemorySystem& system) {
  const std::string python = "python3";
  const auto list = [](const Command&, MemorySystem& host) {
    return CommandResult{.output = host.text("/packages")};
  };
  system.file("/packages", "pip==23.0\n")
      .when({python, "-m", "pip.__main__", "--version"}, "pip 23.0\n")
      .when({python, "-m", "pip.__main__", "list"}, list)
      .when({python, "-m", "pip.__main__", "install"},
            [](const Command& command, MemorySystem& host) {
              const std::string package = command.argv.back();
              host.file("/packages", host.text("/packages") + package + "\n");
              return CommandResult{.output = "Successfully installed " + package + "\n"};
            })
      .when({python, "-m", "pip.__main__", "uninstall"},
            [](const Command& command, MemorySystem& host) {
              const std::string text = host.text("/packages");
              const std::size_t at = text.find(command.argv.back());
              if (at == std::string::npos)
                return CommandResult{.status = 1, .errors = "x is not installed\n"};
              host.file("/packages", text.substr(0, at));
              return CommandResult{.output = "  Successfully uninstalled x\n"};
            });
  return system;
}

std::string last_command(const MemorySystem& system) {
  std::string line;
  for (const std::string& word : system.commands().back().argv)
    line += (line.empty() ? "" : " ") + word;
  return line;
}

TEST(Pip, InstallsWhatIsMissing) {
  MemorySystem system;
  with_pip(system);

  const Value result = test::expect_converges(
      pip_module, Value::map({{"name", "My.App"}, {"version", "1.2"}}), system);

  EXPECT_EQ(last_command(system), kPip + " install My.App==1.2");
  EXPECT_EQ(system.commands().back().directory, "/tmp");
  EXPECT_EQ(to_text(result.get("version")), "1.2");
  EXPECT_EQ(to_text(result.get("name")), "['My.App']");
}

TEST(Pip, ForeseesByVersion) {
  MemorySystem system;
  with_pip(system).file("/packages", "numpy==1.26.4\nodd line\n");

  for (const char* enough : {"numpy", "NumPy", "numpy>=1.26,<2", "numpy==1.*"}) {
    const Value result = test::dry_run(pip_module, Value::map({{"name", enough}}), system);
    EXPECT_EQ(result.get("changed"), Value(false)) << enough;
    EXPECT_EQ(to_text(result.get("cmd")), kPip + " list --format=freeze");
  }
  for (const char* missing : {"numpy<1.26", "numpy==2", "numpy,scipy", "./numpy.whl"}) {
    const Value result = test::dry_run(pip_module, Value::map({{"name", missing}}), system);
    EXPECT_EQ(result.get("changed"), Value(true)) << missing;
  }
}

TEST(Pip, AsksWithoutLeavingATrace) {
  MemorySystem system;
  with_pip(system);

  test::dry_run(pip_module, Value::map({{"name", "x"}}), system);

  for (const Command& query : system.queries()) {
    EXPECT_EQ(query.environment.at("PYTHONDONTWRITEBYTECODE"), "1");
    EXPECT_EQ(query.environment.at("PIP_DISABLE_PIP_VERSION_CHECK"), "1");
  }
  EXPECT_EQ(system.queries().size(), 2U);
}

TEST(Pip, CannotForeseeWhatOnlyPipUnderstands) {
  MemorySystem system;
  with_pip(system).file("/packages", "x==1\n");

  for (const Value& arguments : {Value::map({{"name", "x"}, {"extra_args", "--user"}}),
                                 Value::map({{"name", "x"}, {"state", "latest"}}),
                                 Value::map({{"name", "x"}, {"state", "forcereinstall"}}),
                                 Value::map({{"name", "x"}, {"editable", true}}),
                                 Value::map({{"requirements", "/r.txt"}})}) {
    EXPECT_EQ(test::dry_run(pip_module, arguments, system).get("changed"), Value(true))
        << to_text(arguments);
  }
}

TEST(Pip, RemovesWhatIsThere) {
  MemorySystem system;
  with_pip(system).file("/packages", "pip==23.0\nx==1\n");
  const Value arguments = Value::map({{"name", "x"}, {"state", "absent"}});

  test::expect_converges(pip_module, arguments, system);
  EXPECT_EQ(last_command(system), kPip + " uninstall -y x");
  const Value again = test::run(pip_module, arguments, system);

  EXPECT_EQ(again.get("changed"), Value(false));
  EXPECT_FALSE(again.get("failed").truthy());
}

TEST(Pip, ComparesListsForRequirementsFiles) {
  MemorySystem system;
  with_pip(system);
  const Value arguments = Value::map({{"requirements", "/r.txt"},
                                      {"extra_args", "--no-index --find-links='/a b'"},
                                      {"umask", "027"}});

  EXPECT_EQ(test::run(pip_module, arguments, system).get("changed"), Value(true));
  const Command& command = system.commands().back();
  EXPECT_EQ(last_command(system), kPip + " install --no-index --find-links=/a b -r /r.txt");
  EXPECT_EQ(command.umask, 027U);
  EXPECT_FALSE(command.inherit_umask);

  system.when({"python3", "-m", "pip.__main__", "install"}, "Successfully installed nothing\n");
  EXPECT_EQ(test::run(pip_module, arguments, system).get("changed"), Value(false));
}

TEST(Pip, MakesTheEnvironment) {
  MemorySystem system;
  with_pip(system)
      .when({"python3", "--help"}, "usage: python3\n")
      .when({"python3", "-m", "venv"},
            [](const Command& command, MemorySystem& host) {
              host.file(command.argv.back() + "/bin/activate", "")
                  .program("pip3", command.argv.back() + "/bin");
              return CommandResult{.output = "made\n"};
            })
      .when({"pip3", "list"}, "x==1\n")
      .when({"pip3", "install"}, "Successfully installed x\n");
  const Value arguments = Value::map(
      {{"name", "x"}, {"virtualenv", "/opt/e"}, {"virtualenv_command", "python3 -m venv"}});

  const Value result = test::expect_converges(pip_module, arguments, system);

  EXPECT_EQ(last_command(system), "/opt/e/bin/pip3 install x");
  EXPECT_EQ(system.commands().back().environment.at("PATH"), "/opt/e/bin:/usr/sbin:/usr/bin");
  EXPECT_EQ(to_text(result.get("stdout")), "made\nSuccessfully installed x\n");
}

TEST(Pip, GivesVirtualenvItsOptions) {
  MemorySystem system;
  with_pip(system)
      .when({"virtualenv", "--help"}, "--system-site-packages --no-site-packages\n")
      .when({"virtualenv"}, "", 3, "cannot\n");

  const Value result =
      test::run(pip_module, Value::map({{"name", "x"}, {"virtualenv", "/opt/e"}}), system);

  EXPECT_EQ(last_command(system),
            "/usr/bin/virtualenv --no-site-packages -p/usr/bin/python3 /opt/e");
  EXPECT_EQ(to_text(result.get("msg")), "\n:stderr: cannot\n");
}

TEST(Pip, FailsInPipsWords) {
  MemorySystem system;
  with_pip(system).when(
      {"python3", "-m", "pip.__main__", "install"}, "looking\n", 1, "ERROR: none\n");

  const Value result = test::run(pip_module, Value::map({{"name", "x"}}), system);

  EXPECT_TRUE(result.get("failed").truthy());
  EXPECT_EQ(to_text(result.get("msg")), "stdout: looking\n\n:stderr: ERROR: none\n");
}

TEST(Pip, SaysWhenTheHostHasNone) {
  MemorySystem bare;
  const std::string message = test::expect_refused(pip_module, Value::map({{"name", "x"}}), bare);
  EXPECT_NE(message.find("Unable to find any of pip3 to use.  pip needs to be installed"),
            std::string::npos);
  const Value result = test::run(pip_module, Value::map({{"name", "x"}}), bare);
  EXPECT_NE(to_text(result).find("no Python"), std::string::npos) << to_text(result);

  MemorySystem system;
  system.when({"python3", "-m", "pip.__main__", "--version"}, "", 1, "No module named pip\n")
      .when({"pip3", "install"}, "Successfully installed x\n");
  EXPECT_EQ(test::run(pip_module, Value::map({{"name", "x"}}), system).get("changed"), Value(true));
  EXPECT_EQ(last_command(system), "/usr/bin/pip3 install x");
}

TEST(Pip, RefusesWhatContradictsItself) {
  MemorySystem system;
  with_pip(system);
  for (const Value& arguments :
       {Value::map({{"name", "x"}, {"version", "1"}, {"state", "latest"}}),
        Value::map({{"name", "x,y"}, {"version", "1"}}),
        Value::map({{"name", "x>1"}, {"version", "2"}}),
        Value::map({{"name", "x"}, {"umask", "rwx"}}),
        Value::map({{"name", "x"}, {"extra_args", "'open"}}),
        Value::map({{"name", "x"}, {"virtualenv", "/e"}, {"executable", "pip3"}}),
        Value::map({{"name", "x"}, {"executable", "pip9"}}),
        Value::map({{"name", "x"},
                    {"virtualenv", "/e"},
                    {"virtualenv_command", "python3 -m venv"},
                    {"virtualenv_python", "python3"}}),
        Value(Map())}) {
    EXPECT_FALSE(test::expect_refused(pip_module, arguments, system).empty());
  }
}

}  // namespace
}  // namespace gpustack::modules
