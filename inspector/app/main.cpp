// The window's program: reads the command line, opens the window on a machine, and says in one sentence what it can't do.
#include <cstdio>
#include <memory>

#include <QApplication>
#include <QCommandLineParser>
#include <QFileInfo>
#include <QTimer>

#include "inspector/app/commands.h"
#include "inspector/app/live_lesson.h"
#include "inspector/app/live_source.h"
#include "inspector/app/main_window.h"

using namespace orrery::inspector;

namespace {

// Qt itself would abort with a dump of its plugins.
bool display_is_missing()
{
    return qEnvironmentVariableIsEmpty("QT_QPA_PLATFORM") && qEnvironmentVariableIsEmpty("DISPLAY")
        && qEnvironmentVariableIsEmpty("WAYLAND_DISPLAY");
}

bool has_option(int argc, char** argv, const char* option)
{
    for (int i = 1; i < argc; ++i)
        if (qstrcmp(argv[i], option) == 0) return true;
    return false;
}

std::filesystem::path os_build_directory()
{
    const auto chosen = qEnvironmentVariable("ORRERY_OS_BUILD_DIR");
    return chosen.isEmpty() ? std::filesystem::path(ORRERY_OS_BUILD_DIR) : std::filesystem::path(chosen.toStdString());
}

MachineOptions machine_options(const QCommandLineParser& parser)
{
    const auto built = os_build_directory();
    const auto path = [&](const QString& option, const char* otherwise) {
        return parser.isSet(option) ? std::filesystem::path(parser.value(option).toStdString()) : built / otherwise;
    };
    MachineOptions options;
    options.kernel = path(QStringLiteral("kernel"), "kernel.elf");
    options.programs = path(QStringLiteral("programs"), "programs");
    options.launch.kernel = options.kernel;
    options.launch.initrd = path(QStringLiteral("initrd"), "initrd.tar");
    if (parser.isSet(QStringLiteral("program")))
        options.launch.command_line = "run=" + parser.value(QStringLiteral("program")).toStdString();
    if (parser.isSet(QStringLiteral("attach"))) {
        AttachTarget target;
        target.address = parser.value(QStringLiteral("attach")).toStdString();
        if (parser.isSet(QStringLiteral("qmp"))) target.qmp_path = parser.value(QStringLiteral("qmp")).toStdString();
        options.attach = target;
    }
    return options;
}

// Saves a picture as soon as there is one worth it, and leaves: 0 if it was saved.
void take_screenshot(MainWindow& window, SnapshotSource& source, const QString& file)
{
    const auto save = [&window, &source, file] {
        static bool saved = false;
        if (std::exchange(saved, true)) return;
        const bool done = window.grab().save(file);
        if (!done) std::fprintf(stderr, "orrery: the picture can't be written to %s.\n", qPrintable(file));
        source.quit();
        QCoreApplication::exit(done ? 0 : 1);
    };
    QObject::connect(&source, &SnapshotSource::run_state_changed, &window, [&window, save](RunState state) {
        if (state == RunState::ended || state == RunState::failed) QTimer::singleShot(200, &window, save);
    });
    QObject::connect(&source, &SnapshotSource::snapshot_changed, &window, [&window, &source, save] {
        if (!source.latest()->rings.empty()) QTimer::singleShot(700, &window, save);
    });
    QTimer::singleShot(15'000, &window, save);
}

} // namespace

int main(int argc, char** argv)
{
    if (has_option(argc, argv, "--commands")) { // needs no display
        std::printf("%s", command_reference().toUtf8().constData());
        return 0;
    }
    if (display_is_missing()) {
        std::fprintf(stderr, "orrery: the window can't open: there is no display here (neither DISPLAY nor WAYLAND_DISPLAY "
                             "is set). ./orrery run --headless shows the same state as text.\n");
        return 2;
    }
    QCoreApplication::setOrganizationName(QStringLiteral("orrery"));
    QCoreApplication::setApplicationName(QStringLiteral("inspector"));
    QGuiApplication::setHighDpiScaleFactorRoundingPolicy(Qt::HighDpiScaleFactorRoundingPolicy::PassThrough);
    QApplication application(argc, argv);
    QApplication::setStyle(QStringLiteral("Fusion"));

    QCommandLineParser parser;
    parser.setApplicationDescription(QStringLiteral("Orrery Inspector: watch, stop and step an operating system by meaning."));
    parser.addHelpOption();
    parser.addOptions({
        { QStringLiteral("kernel"), QStringLiteral("Kernel to boot (ELF with debug information)."), QStringLiteral("path") },
        { QStringLiteral("initrd"), QStringLiteral("Archive of the programs."), QStringLiteral("path") },
        { QStringLiteral("programs"), QStringLiteral("Folder of the programs' ELF files, for their symbols."), QStringLiteral("folder") },
        { QStringLiteral("program"), QStringLiteral("Program to run, with its arguments after commas."), QStringLiteral("name") },
        { QStringLiteral("attach"), QStringLiteral("Join a debug stub: HOST:PORT or the path of a socket."), QStringLiteral("address") },
        { QStringLiteral("qmp"), QStringLiteral("With --attach: the path of QEMU's QMP socket."), QStringLiteral("path") },
        { QStringLiteral("lesson"), QStringLiteral("Open the lesson in this folder."), QStringLiteral("folder") },
        { QStringLiteral("theme"), QStringLiteral("Colours: light, dark or system."), QStringLiteral("name") },
        { QStringLiteral("screenshot"), QStringLiteral("Save a picture of the window and leave."), QStringLiteral("file") },
        { QStringLiteral("commands"), QStringLiteral("Print all commands and keys as Markdown, and leave.") },
    });
    parser.process(application);
    if (!parser.positionalArguments().isEmpty()) {
        std::fprintf(stderr, "orrery: \"%s\" is no option of the window; --help lists them.\n",
            qPrintable(parser.positionalArguments().constFirst()));
        return 2;
    }
    const auto theme = parser.value(QStringLiteral("theme"));
    if (!theme.isEmpty() && theme != theme_name(theme_from_name(theme))) {
        std::fprintf(stderr, "orrery: --theme is light, dark or system, not \"%s\".\n", qPrintable(theme));
        return 2;
    }

    LiveSource source(machine_options(parser));
    const bool for_picture = parser.isSet(QStringLiteral("screenshot"));
    LiveLesson lesson(&source);
    MainWindow window(&source, !for_picture, &lesson);
    if (!theme.isEmpty()) window.use_theme(theme_from_name(theme));
    if (window.size().width() < 800 || for_picture) window.resize(1280, 800);
    window.show();
    if (for_picture) {
        window.reset_layout();
        take_screenshot(window, source, parser.value(QStringLiteral("screenshot")));
    }
    if (parser.isSet(QStringLiteral("lesson"))) {
        lesson.order({ LessonOrder::Kind::open, QFileInfo(parser.value(QStringLiteral("lesson"))).absoluteFilePath() });
        window.lesson_layout();
        lesson.order({ LessonOrder::Kind::start, {} });
    } else {
        source.start();
    }
    return QApplication::exec();
}
