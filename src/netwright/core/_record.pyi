from netwright.core.record import ConnectionRecord as ConnectionRecord
