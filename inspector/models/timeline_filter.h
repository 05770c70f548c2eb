// Narrows the timeline to one group of phases, one thread, or one cause.
#pragma once

#include <QSortFilterProxyModel>

namespace orrery::inspector {

class TimelineFilter : public QSortFilterProxyModel {
    Q_OBJECT
public:
    explicit TimelineFilter(QObject* parent = nullptr);
    void set_group(const QString& group);    // "" = all
    void set_thread(std::uint32_t thread);   // 0 = all
    void set_cause(std::uint64_t cause);     // 0 = all

protected:
    bool filterAcceptsRow(int row, const QModelIndex& parent) const override;

private:
    QString group_;
    std::uint32_t thread_ = 0;
    std::uint64_t cause_ = 0;
};

} // namespace orrery::inspector
